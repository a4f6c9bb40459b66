"""Training of the policy: needs the ``train`` extra; serving never imports it."""
