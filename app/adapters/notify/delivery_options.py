"""Options of a delivery of notices."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """Attempts per message, first pause in seconds, and messages that may wait."""

    attempts: int = 6
    first_retry_sec: float = 1.0
    queue_size: int = 100
