"""Notices to people, behind the pipeline's ``Notices`` port.

``notifier.py`` turns notices into messages; ``delivery_queue.py`` delivers them to one receiver
with retries; ``webhook.py`` and ``apprise.py`` are receivers; ``counters.py`` has the metrics,
``delivery_options.py`` the number of attempts and what may wait.
"""
