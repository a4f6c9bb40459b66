"""When a call is tried again: a generator of steps, carried out by either client.

It yields `Send` or `Wait`, takes the outcome of each step, and touches neither socket nor thread,
so blocking and asynchronous callers get the very same behaviour.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass, field
from random import SystemRandom
from time import monotonic
from typing import Final, TypeVar

from app.client.calls import IDEMPOTENCY, Call
from app.client.errors import (
    CallFailed,
    KeyReused,
    NoAnswer,
    RateLimited,
    Refused,
    Unavailable,
    Unreachable,
    UnusableAnswer,
)
from app.client.reply import Reply

Answer = TypeVar("Answer")

_GATEWAY: Final = frozenset({502, 504})
# problems of a 503 that is sent before the request is read
_NOT_BEGUN: Final = frozenset({"overloaded", "not-ready"})
_NO_KEY: Final = "no-key-set"  # sent as early, but only an operator can set a key
_DRAW: Final = SystemRandom().random


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """Deadlines, attempts, waits, trusted authorities and headers of a client.

    Attributes
    ----------
    deadline_sec : float
        Of a whole call, all attempts and waits together.
    attempt_sec : float
        Of one attempt, connecting to last byte; after it the call may be sent again.
    attempts : int
        At most; 1 never repeats.
    first_wait_sec, longest_wait_sec : float
        The wait doubles from attempt to attempt, and up to half of it is left to chance. A
        Retry-After of the service is used where it is longer.
    ca_file : str or None
        PEM file of the only authorities that are trusted; None: those of the system.
    headers : dict
        Sent with every request, for proxies that need them.
    """

    deadline_sec: float = 30.0
    attempt_sec: float = 10.0
    attempts: int = 4
    first_wait_sec: float = 0.1
    longest_wait_sec: float = 2.0
    ca_file: str | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for name in ("deadline_sec", "attempt_sec", "attempts"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"{name} must be > 0 and finite, was {value}")


@dataclass(frozen=True, slots=True)
class Send:
    """Send the call; the answer must be complete at `until` of the monotonic clock."""

    until: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Send nothing for a while."""

    seconds: float


Outcome = Reply | CallFailed | None


def attempts(call: Call[Answer], options: ClientOptions) -> Generator[Send | Wait, Outcome, Answer]:
    """Yield the steps of a call until it is answered, refused for good, or out of time.

    Raises
    ------
    CallFailed
        The failure of the last attempt; the first failure after which the call may have been acted
        on, if the last attempt does not settle that.
    """
    ends_at = monotonic() + options.deadline_sec
    number = 0
    doubt: CallFailed | None = None
    while True:
        number += 1
        outcome = yield Send(min(ends_at, monotonic() + options.attempt_sec))
        try:
            return _answer_of(call, outcome)
        except CallFailed as failed:
            error = failed
        error.idempotency_key = call.headers.get(IDEMPOTENCY)
        wait = _wait_sec(number, error, options)
        late = monotonic() + wait >= ends_at
        if late or number >= options.attempts or not may_repeat(call, error):
            if doubt and not _settles_earlier_attempts(error):
                raise doubt from error
            raise error
        if leaves_doubt(error):
            doubt = doubt or error
        yield Wait(wait)


def _answer_of(call: Call[Answer], outcome: Outcome) -> Answer:
    if isinstance(outcome, Reply):
        if call.is_answered(outcome):
            return call.read(outcome)
        raise outcome.refusal()
    raise outcome or NoAnswer("nothing was sent")


def may_repeat(call: Call[Answer], error: CallFailed) -> bool:
    """Whether another attempt could help, and could do no harm."""
    if isinstance(error, Unreachable | RateLimited):
        return True
    if isinstance(error, Unavailable) and error.slug in _NOT_BEGUN:
        return True
    return call.repeatable and leaves_doubt(error)


def leaves_doubt(error: CallFailed) -> bool:
    """Whether the attempt may have been acted on, though it was not answered."""
    if isinstance(error, Unavailable):
        return error.slug not in _NOT_BEGUN and error.slug != _NO_KEY
    if isinstance(error, Refused):
        return error.status in _GATEWAY
    return isinstance(error, NoAnswer)


def _settles_earlier_attempts(error: CallFailed) -> bool:
    # a key that was used with another body was never acted on with this one
    return leaves_doubt(error) or isinstance(error, UnusableAnswer | KeyReused)


def _wait_sec(number: int, error: CallFailed, options: ClientOptions) -> float:
    backoff = min(options.longest_wait_sec, options.first_wait_sec * 2.0 ** (number - 1))
    drawn = backoff * (1.0 - 0.5 * _DRAW())
    retry_after = error.retry_after_sec if isinstance(error, Refused) else None
    return max(drawn, retry_after or 0.0)
