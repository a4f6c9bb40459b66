"""Which of several failures of a call is raised: the first that may have been acted on."""

import asyncio
from collections.abc import Callable

import pytest

from app.client import (
    AllocateRequest,
    CallFailed,
    ClientOptions,
    NoAnswer,
    Unavailable,
    Unreachable,
    UnusableAnswer,
)
from app.client.attempts import Send, Wait, attempts
from app.client.calls import allocate, set_trading_state
from app.client.errors import Refused, refusal
from tests.client.asking import QUICK, Ask, ask

__all__ = ["ask"]

KEY = "key-of-the-caller"
EMPTY: AllocateRequest = {"signals": [], "cascade_indicators": {}, "current_prices": {}}
Failure = Callable[[], CallFailed]


def refused(status: int, slug: str = "", retry_after_sec: float | None = None) -> Refused:
    return refusal(status, {"type": f"urn:himari:problem:{slug}"}, retry_after_sec)


def given_up(*failures: CallFailed, options: ClientOptions = QUICK) -> CallFailed:
    """Let the attempts at one batch fail in turn, without waiting; the last failure stays."""
    left = list(failures)
    steps = attempts(allocate(EMPTY, KEY, dry_run=False), options)
    step: Send | Wait = next(steps)
    while True:
        failed = left.pop(0) if isinstance(step, Send) and len(left) > 1 else left[0]
        try:
            step = steps.send(failed if isinstance(step, Send) else None)
        except CallFailed as error:
            return error


DOUBTFUL: dict[str, Failure] = {
    "no whole answer": lambda: NoAnswer("reset"),
    "bad gateway": lambda: refused(502),
    "gateway timeout": lambda: refused(504),
    "journal unavailable": lambda: refused(503, "journal-unavailable"),
    "a proxy's 503": lambda: refused(503),
}
NOTHING: dict[str, Failure] = {
    "unreachable": lambda: Unreachable("no connection"),
    "rate limited": lambda: refused(429, "rate-limited"),
    "rate limited for long": lambda: refused(429, "rate-limited", 3600.0),
    "overloaded": lambda: refused(503, "overloaded"),
    "not ready": lambda: refused(503, "not-ready"),
    "no key set": lambda: refused(503, "no-key-set"),
    "key refused by now": lambda: refused(401, "unauthorized"),
    "unexpected error": lambda: refused(500, "unexpected-error"),
}


@pytest.mark.parametrize("before", DOUBTFUL)
@pytest.mark.parametrize("last", NOTHING)
def test_a_doubtful_attempt_is_raised_rather_than_a_last_one_that_was_not_begun(
    before: str, last: str
) -> None:
    doubt, nothing = DOUBTFUL[before](), NOTHING[last]()
    error = given_up(doubt, nothing)
    assert error is doubt
    assert error.__cause__ is nothing
    assert error.idempotency_key == KEY


def test_the_first_of_several_doubtful_attempts_is_raised() -> None:
    first = NoAnswer("first")
    assert given_up(first, refused(502), Unreachable("gone")) is first


def test_a_doubtful_attempt_is_raised_when_the_deadline_leaves_no_time_to_wait() -> None:
    doubt = NoAnswer("reset")
    options = ClientOptions(attempts=50, deadline_sec=20.0)
    assert given_up(doubt, refused(503, "overloaded", 3600.0), options=options) is doubt


@pytest.mark.parametrize("last", NOTHING)
def test_without_a_doubtful_attempt_the_last_failure_is_raised(last: str) -> None:
    nothing = NOTHING[last]()
    assert given_up(Unreachable("at first"), refused(429), nothing) is nothing


@pytest.mark.parametrize(
    "last",
    [NoAnswer("again"), refused(503, "journal-unavailable"), UnusableAnswer("?"), refused(409)],
    ids=["no answer", "journal unavailable", "unusable", "key reused"],
)
def test_a_last_failure_that_is_doubtful_itself_is_raised(last: CallFailed) -> None:
    assert given_up(NoAnswer("first"), last) is last


def test_a_switch_that_was_not_begun_raises_its_last_failure() -> None:
    steps = attempts(set_trading_state({"state": "HALTED"}, None), QUICK)
    next(steps)
    assert isinstance(steps.send(refused(503, "not-ready")), Wait)
    next(steps)
    with pytest.raises(Unavailable) as error:
        steps.send(refused(503, "no-key-set"))
    assert error.value.slug == "no-key-set"


async def test_a_service_that_dies_over_a_batch_is_not_reported_as_unreachable(
    ask: Ask, batch: AllocateRequest
) -> None:
    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        server.close()
        writer.transport.abort()

    server = await asyncio.start_server(die, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(NoAnswer) as error:
        await ask(f"http://127.0.0.1:{port}", "allocate", batch, idempotency_key=KEY)
    assert isinstance(error.value.__cause__, Unreachable)
    assert error.value.idempotency_key == KEY
