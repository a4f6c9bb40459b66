"""Wrong keys at the login, counted by client address."""

from ipaddress import IPv6Address, ip_address
from typing import Final

from app.pipeline.ports import Clock

_MOST_ADDRESSES: Final = 4096


class LoginFailures:
    """Counts the wrong keys of each client address, and makes it wait after too many.

    Parameters
    ----------
    clock : Clock
    free_attempts : int
        Failures in a row before an address must wait.
    wait_sec : float, seconds
        Time after which one failure is no longer counted.
    """

    def __init__(self, clock: Clock, *, free_attempts: int = 5, wait_sec: float = 20.0) -> None:
        self._clock = clock
        self._free_attempts = free_attempts
        self._wait_sec = wait_sec
        # time at which no failure of an address counts any more, in the order of the last failure
        self._clean_at: dict[str, float] = {}

    def seconds_to_wait(self, address: str) -> float:
        """Return the seconds until an address may try again; 0 if it may now."""
        left = self._clean_at.get(_network(address), 0.0) - self._clock.monotonic()
        return max(0.0, left - (self._free_attempts - 1) * self._wait_sec)

    def add(self, address: str) -> None:
        """Count a failure of an address."""
        name, now = _network(address), self._clock.monotonic()
        clean_at = max(self._clean_at.pop(name, now), now) + self._wait_sec
        self._clean_at[name] = clean_at
        if len(self._clean_at) > _MOST_ADDRESSES:
            del self._clean_at[next(iter(self._clean_at))]


def _network(address: str) -> str:
    """Return one name for all addresses of a subscriber: an IPv4 address or an IPv6 /64."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address) and known.ipv4_mapped is None:
        return known.exploded[:19]
    return str(known)
