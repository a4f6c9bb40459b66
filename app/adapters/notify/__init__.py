"""Notices to people, behind the pipeline's ``Notices`` port.

``notifier.py`` turns what the watch finds into messages; ``queue.py`` delivers them to one receiver
with retries; ``webhook.py`` and ``apprise.py`` are receivers; ``counters.py`` counts.
"""
