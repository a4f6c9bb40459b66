"""Sessions of browsers, in memory: ended by time, by logout or by revoking the key.

The cookie holds 256 random bits and nothing of the key; only their hash is stored. The roles of a
session are looked up among the keys in force at each request, so a revoked key ends it.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from starlette.types import Scope

from app.core.access import AccessKey, KeyRing
from app.pipeline.ports import Clock

COOKIE: Final = "himari_console"
# a working day
LIFETIME_SEC: Final = 12 * 3600
_MAX_OPEN: Final = 256
# of one key, so that its holder cannot end the sessions of other keys
_MAX_PER_KEY: Final = 16


@dataclass(frozen=True, slots=True)
class _Session:
    name_of_key: str
    digest_of_key: bytes
    ends_at: float


class Sessions:
    """The open sessions of browsers.

    Parameters
    ----------
    clock : Clock
    max_open : int
        With one more the oldest session ends.
    max_per_key : int
        With one more the oldest session of the same key name ends.
    lifetime_sec : float, seconds
    """

    def __init__(
        self,
        clock: Clock,
        *,
        max_open: int = _MAX_OPEN,
        max_per_key: int = _MAX_PER_KEY,
        lifetime_sec: float = LIFETIME_SEC,
    ) -> None:
        self._clock = clock
        self._max_open = max_open
        self._max_per_key = max_per_key
        self.lifetime_sec = lifetime_sec
        self._open: dict[bytes, _Session] = {}
        self._secret = secrets.token_bytes(32)

    def __len__(self) -> int:
        """Return the number of sessions that have not been closed."""
        return len(self._open)

    def open(self, key: AccessKey) -> str:
        """Start a session of a key and return the value of its cookie."""
        token = secrets.token_urlsafe(32)
        self._forget_ended()
        ends_at = self._clock.monotonic() + self.lifetime_sec
        self._open[_hashed(token)] = _Session(key.name, key.digest, ends_at)
        own = [name for name, each in self._open.items() if each.name_of_key == key.name]
        self._end_oldest(own, self._max_per_key)
        self._end_oldest(list(self._open), self._max_open)
        return token

    def close(self, token: str | None) -> None:
        """End a session, if it is open."""
        if token is not None:
            self._open.pop(_hashed(token), None)

    def key_of(self, token: str | None, keys: KeyRing) -> AccessKey | None:
        """Return the key of a session as it is in force now; end the session if there is none."""
        session = None if token is None else self._open.get(_hashed(token))
        if token is None or session is None:
            return None
        digest = session.digest_of_key
        key = next((key for key in keys.keys if key.digest == digest), None)
        if key is None or self._clock.monotonic() >= session.ends_at:
            self.close(token)
            return None
        return key

    def csrf_token(self, token: str | None, owner: str) -> str:
        """Return the CSRF token of a session; without a session, that of the caller's name.

        No other page can read it, and it is valid until this process ends.
        """
        subject = f"owner {owner}" if token is None else f"session {token}"
        return hmac.new(self._secret, subject.encode(), hashlib.sha256).hexdigest()

    def _end_oldest(self, names: list[bytes], limit: int) -> None:
        for name in names[: max(0, len(names) - limit)]:
            del self._open[name]

    def _forget_ended(self) -> None:
        now = self._clock.monotonic()
        for name in [name for name, session in self._open.items() if now >= session.ends_at]:
            del self._open[name]


def token_of(scope: Scope) -> str | None:
    """Return the session's token among the cookies of a request, or None."""
    for name, value in scope["headers"]:
        if name != b"cookie":
            continue
        for pair in value.decode("latin-1").split(";"):
            key, _, token = pair.strip().partition("=")
            if key == COOKIE:
                return str(token)
    return None


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
