"""Servers that misbehave: what is tried again, what never is, and the error that is raised."""

import json
import time
from typing import Any

import pytest

from app.client import (
    AllocateRequest,
    CallFailed,
    ClientOptions,
    NoAnswer,
    RateLimited,
    ServerFault,
    TradingStateDiffers,
    Unavailable,
    Unreachable,
    UnusableAnswer,
)
from tests.adapters.policy.policy_server import (
    Behaviour,
    PolicyServer,
    close_on_accept,
    dripping,
    response,
    sending,
    sending_then_reset,
    stay_silent,
)
from tests.client.asking import Ask, address, ask, in_turn, saying
from tests.spoken_himari import free_port

__all__ = ["ask"]

ALIVE = json.dumps({"status": "alive"}).encode()
HALT = {"state": "HALTED"}
HALF = response(ALIVE, length=len(ALIVE) + 100)


def refusing(status: int, slug: str, **headers: str) -> Behaviour:
    body = {"type": f"urn:himari:problem:{slug}", "title": slug, "detail": f"it is {slug}"}
    typed = {"content-type": "application/problem+json"}
    return saying(json.dumps(body).encode(), status, typed | headers)


RESET = sending_then_reset(b"")
BROKEN: dict[str, Behaviour] = {
    "reset unanswered": RESET,
    "closed at once": close_on_accept,
    "reset in mid-body": sending_then_reset(HALF),
    "ended in mid-body": sending(HALF),
    "not HTTP": sending_then_reset(b"\x00\x01\x02 nonsense\r\n\r\n"),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_a_broken_connection_is_tried_again_where_that_is_safe(ask: Ask, what: str) -> None:
    async with PolicyServer(in_turn(BROKEN[what], BROKEN[what], saying(ALIVE))) as server:
        assert await ask(address(server), "get_liveness") == {"status": "alive"}
        assert server.connections == 3


@pytest.mark.parametrize("what", BROKEN)
async def test_a_switch_is_never_thrown_twice(ask: Ask, what: str) -> None:
    async with PolicyServer(in_turn(BROKEN[what], saying(b"{}"))) as server:
        with pytest.raises(NoAnswer):
            await ask(address(server), "set_trading_state", HALT)
        assert server.connections == 1


async def test_every_attempt_at_outcomes_carries_the_same_key(ask: Ask) -> None:
    answer = saying(b'{"accepted": 1, "duplicates": 0, "rejected": []}')
    unpaired = {"symbol": "A", "realized_return": 0.1, "used_rl": True}
    async with PolicyServer(in_turn(RESET, sending(HALF), answer)) as server:
        assert (await ask(address(server), "record_outcomes", [unpaired]))["accepted"] == 1
        keys = {received.headers["idempotency-key"] for received in server.received}
        assert len(server.received) == 3
        assert len(keys) == 1
    async with PolicyServer(answer) as server:
        await ask(address(server), "record_outcomes", [unpaired], idempotency_key="mine")
        assert server.received[0].headers["idempotency-key"] == "mine"


COMMANDS: dict[str, tuple[list[Any], str, dict[str, Any]]] = {
    "accept_price": (["A", 2.5, "checked"], "/market/accept", {"price": 2.5}),
    "split_symbol": (["A", 4, "4 for 1"], "/market/split", {"ratio": 4}),
    "forget_symbol": (["A", "relisted"], "/market/forget", {}),
}


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_correction_of_a_symbol_is_sent_once_with_its_reason(ask: Ask, name: str) -> None:
    arguments, path, fields = COMMANDS[name]
    async with PolicyServer(saying(b'{"symbol": "A"}')) as server:
        assert await ask(address(server), name, *arguments) == {"symbol": "A"}
        (received,) = server.received
        assert received.path == path
        assert json.loads(received.body) == {"symbol": "A", "reason": arguments[-1], **fields}
    async with PolicyServer(in_turn(RESET, saying(b"{}"))) as server:
        with pytest.raises(NoAnswer):
            await ask(address(server), name, *arguments)
        assert server.connections == 1


async def test_outcomes_are_withdrawn_and_may_be_so_again(ask: Ask) -> None:
    pairs = [{"decision_id": "d", "symbol": "A"}]
    answer = saying(b'{"withdrawn": 1, "unknown": 0}')
    async with PolicyServer(in_turn(RESET, answer)) as server:
        found = await ask(address(server), "withdraw_outcomes", pairs, "wrong sign")
        assert found == {"withdrawn": 1, "unknown": 0}
        assert server.received[-1].path == "/outcomes/withdraw"
        sent = json.loads(server.received[-1].body)
        assert sent == {"outcomes": pairs, "reason": "wrong sign"}


async def test_a_switch_that_starts_from_another_state_raises_trading_state_differs(
    ask: Ask,
) -> None:
    async with PolicyServer(refusing(409, "trading-state-differs")) as server:
        with pytest.raises(TradingStateDiffers):
            await ask(address(server), "set_trading_state", HALT, if_state_is="REDUCING")
        sent = json.loads(server.received[0].body)
        assert sent == {"state": "HALTED", "if_state_is": "REDUCING"}


async def test_every_attempt_of_a_batch_carries_the_same_key_and_the_same_bytes(
    ask: Ask, batch: AllocateRequest
) -> None:
    flaky = in_turn(refusing(503, "journal-unavailable"), saying(b"no json"), saying(b"{}"))
    async with PolicyServer(flaky) as server:
        with pytest.raises(UnusableAnswer) as failed:
            await ask(address(server), "allocate", batch)
        first, second = server.received
        assert first.body == second.body
        key = first.headers["idempotency-key"]
        assert key == second.headers["idempotency-key"] == failed.value.idempotency_key
        assert len(key) == 32


async def test_two_batches_have_two_keys_and_a_dry_run_none(
    ask: Ask, batch: AllocateRequest
) -> None:
    async with PolicyServer(saying(b"{}")) as server:
        for dry_run in (False, False, True):
            await ask(address(server), "allocate", batch, dry_run=dry_run)
        first, second, third = (each.headers.get("idempotency-key") for each in server.received)
        assert first != second
        assert third is None
        assert server.received[2].path == "/allocate?dry_run=true"


@pytest.mark.parametrize("slug", ["overloaded", "not-ready"])
async def test_what_was_not_begun_is_tried_again_whatever_it_is(ask: Ask, slug: str) -> None:
    async with PolicyServer(in_turn(refusing(503, slug), saying(b"{}"))) as server:
        assert await ask(address(server), "set_trading_state", HALT) == {}


@pytest.mark.parametrize(
    ("status", "slug"),
    [
        (302, "moved"),
        (401, "unauthorized"),
        (404, "not-served"),
        (409, "idempotency-conflict"),
        (422, "invalid-request"),
        (500, "unexpected-error"),
        (503, "no-key-set"),
    ],
)
async def test_what_another_attempt_cannot_change_is_sent_once(
    ask: Ask, status: int, slug: str
) -> None:
    moved = {"location": "http://127.0.0.1:9/elsewhere"}
    async with PolicyServer(refusing(status, slug, **moved)) as server:
        with pytest.raises(CallFailed, match=f"{status} it is {slug}"):
            await ask(address(server), "get_state")
        assert len(server.received) == 1


async def test_an_unavailable_journal_does_not_repeat_a_switch(ask: Ask) -> None:
    async with PolicyServer(refusing(503, "journal-unavailable")) as server:
        with pytest.raises(Unavailable):
            await ask(address(server), "reset_circuit")
        assert len(server.received) == 1


async def test_retry_after_is_waited_for(ask: Ask) -> None:
    behave = in_turn(refusing(429, "rate-limited", **{"retry-after": "1"}), saying(ALIVE))
    async with PolicyServer(behave) as server:
        began = time.monotonic()
        await ask(address(server), "get_liveness")
        assert time.monotonic() - began >= 1.0


async def test_a_wait_that_would_outlast_the_deadline_is_not_begun(ask: Ask) -> None:
    async with PolicyServer(refusing(429, "rate-limited", **{"retry-after": "3600"})) as server:
        with pytest.raises(RateLimited) as limited:
            await ask(address(server), "get_state")
        assert limited.value.retry_after_sec == 3600.0
        assert len(server.received) == 1


async def test_attempts_are_bounded(ask: Ask) -> None:
    options = ClientOptions(attempts=3, first_wait_sec=0.001)
    async with PolicyServer(refusing(502, "bad-gateway")) as server:
        with pytest.raises(ServerFault):
            await ask(address(server), "get_state", options=options)
        assert len(server.received) == 3
    with pytest.raises(Unreachable, match="no connection"):
        await ask(f"http://127.0.0.1:{free_port()}", "get_state", options=options)


@pytest.mark.parametrize(
    "behave",
    [
        stay_silent,
        dripping(response(ALIVE, headers={"x-long": "a" * 10_000})),
        dripping(b" " * 10_000, response(ALIVE, length=100_000)[: -len(ALIVE)]),
    ],
    ids=["silence", "dripping head", "dripping body"],
)
async def test_the_deadline_holds_for_the_whole_call(ask: Ask, behave: Behaviour) -> None:
    options = ClientOptions(deadline_sec=2.0)
    async with PolicyServer(behave) as server:
        began = time.monotonic()
        with pytest.raises(NoAnswer, match="in time"):
            await ask(address(server), "get_state", options=options)
        # a dripped byte comes every 10 ms, for 100 s and more: the bound is loose for busy machines
        assert 1.9 < time.monotonic() - began < 60.0


async def test_a_server_that_hangs_gets_another_attempt_within_the_deadline(ask: Ask) -> None:
    options = ClientOptions(deadline_sec=60.0, attempt_sec=1.0, attempts=50)
    async with PolicyServer(in_turn(stay_silent, saying(ALIVE))) as server:
        assert await ask(address(server), "get_liveness", options=options) == {"status": "alive"}


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"a": NaN}', b"\xff\xfe"], ids=repr)
async def test_a_success_status_without_the_promised_answer_is_an_error(
    ask: Ask, body: bytes
) -> None:
    async with PolicyServer(saying(body)) as server:
        with pytest.raises(UnusableAnswer):
            await ask(address(server), "get_state")


async def test_not_ready_is_an_answer_and_the_page_of_a_proxy_an_error(ask: Ask) -> None:
    waiting = json.dumps({"status": "not ready", "journal": "full"}).encode()
    async with PolicyServer(saying(waiting, 503)) as server:
        assert (await ask(address(server), "get_readiness"))["journal"] == "full"
    page = saying(b"<html>", 503, {"content-type": "text/html"})
    async with PolicyServer(page) as server:
        with pytest.raises(Unavailable) as failed:
            await ask(address(server), "get_readiness")
        assert (failed.value.slug, failed.value.errors) == ("", [])


@pytest.mark.parametrize("name", ["deadline_sec", "attempt_sec", "attempts"])
@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan")])
def test_options_without_bounds_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} must be > 0 and finite"):
        ClientOptions(**{name: value})
