"""What the core knows of the policy: the circuit breaker, and the blend of its targets."""
