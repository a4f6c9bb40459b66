"""Counters of sent notices by channel; one set per process, with all labels from the start."""

from typing import Final

from prometheus_client import Counter

CHANNELS: Final = ("webhook", "apprise")


def _by_channel(name: str, text: str) -> dict[str, Counter]:
    counter = Counter(f"himari_l3_notifications_{name}_total", text, ("channel",))
    return {channel: counter.labels(channel) for channel in CHANNELS}


SENT: Final = _by_channel("sent", "Notices that a receiver took (count)")
FAILED: Final = _by_channel("failed", "Notices given up after the last attempt (count)")
RETRIED: Final = _by_channel("retried", "Attempts that were made again (count)")
DROPPED: Final = _by_channel("dropped", "Notices that a full queue or the end left unsent (count)")
