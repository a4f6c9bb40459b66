"""The HTTP policy client against a real server that breaks every rule it can."""

import asyncio
import gc
import gzip
import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
import numpy as np
import pytest
import structlog

from app.adapters.policy_http import HttpPolicyClient, HttpPolicyOptions
from app.core.errors import Blame, PolicyFailure
from app.core.types import Action, FallbackReason, PolicyInput, Prediction, Regime
from tests.adapters.policy_server import (
    Behaviour,
    Conversation,
    PolicyServer,
    answering,
    close_on_accept,
    dripping,
    flooding,
    good_row,
    guide_only,
    reset_on_accept,
    response,
    sending,
    sending_then_reset,
    speak_batch,
    stay_silent,
)
from tests.fakes import FakeClock

DEADLINE = 0.15
# The client promises 10 ms; the rest is for a machine shared with other work.
MARGIN = 0.1
TIMEOUT, CONNECTION = FallbackReason.TIMEOUT, FallbackReason.CONNECTION_ERROR
STATUS, INVALID = FallbackReason.BAD_STATUS, FallbackReason.INVALID_PREDICTION
FAILURE, NEUTRAL = Blame.FAILURE, Blame.NEUTRAL


def signal(symbol: str = "BTC-USD", confidence: float = 0.8, **changes: Any) -> PolicyInput:
    valid: dict[str, Any] = {
        "symbol": symbol,
        "action": Action.BUY,
        "confidence": confidence,
        "risk_score": 0.25,
        "regime": Regime.TRENDING_UP,
        "expected_return": 0.12,
        "predicted_volatility": 0.04,
        "baseline_pct": 0.08,
        "current_pct": 0.02,
        "returns": np.array([0.01, -0.02, 0.03]),
        "interval_sec": 86400.0,
        "market_data": {"depth": [1, 2.5]},
    }
    return PolicyInput(**(valid | changes))


def client_for(
    endpoint: str,
    *,
    timeout_sec: float = DEADLINE,
    clock: FakeClock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    **options: Any,
) -> HttpPolicyClient:
    return HttpPolicyClient(
        endpoint,
        timeout_sec,
        clock=clock or FakeClock(),
        options=HttpPolicyOptions(**options),
        transport=transport,
    )


async def failure_of(client: HttpPolicyClient, *rows: PolicyInput) -> PolicyFailure:
    """Ask, and give the failure, having checked that it came in time."""
    started = time.perf_counter()
    with pytest.raises(PolicyFailure) as caught:
        await client.predict(rows or (signal(),))
    assert time.perf_counter() - started <= DEADLINE + MARGIN
    return caught.value


async def eventually(holds: Callable[[], bool], within_sec: float = 2.0) -> None:
    for _ in range(round(within_sec / 0.005)):
        if holds():
            return
        await asyncio.sleep(0.005)
    pytest.fail(f"not within {within_sec} s")


def batch(*rows: dict[str, Any], **top: Any) -> str:
    return json.dumps({"predictions": list(rows)} | top)


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


HALF_BODY = response(b'{"predictions": [', length=500)
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
OK_HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n"


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(stay_silent, id="silence"),
        pytest.param(dripping(response(b"x" * 500)), id="headers a byte at a time"),
        pytest.param(dripping(b" " * 500, whole=OK_HEAD), id="body a byte at a time"),
        pytest.param(dripping(b"1\r\n \r\n" * 99, whole=CHUNKED), id="chunks of a byte"),
    ],
)
async def test_slowness_of_any_kind_is_a_timeout_within_the_total_deadline(
    behaviour: Behaviour,
) -> None:
    async with PolicyServer(behaviour) as server:
        client = client_for(server.endpoint)
        failure = await failure_of(client)
        assert (failure.reason, failure.blame) == (TIMEOUT, FAILURE)
        await eventually(lambda: client.statistics()["in_flight"] == 0)


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(reset_on_accept, id="RST on accept"),
        pytest.param(close_on_accept, id="FIN on accept"),
        pytest.param(sending(b""), id="FIN instead of an answer"),
        pytest.param(sending_then_reset(b""), id="RST instead of an answer"),
        pytest.param(sending(HALF_BODY), id="FIN in mid-body"),
        pytest.param(sending_then_reset(HALF_BODY), id="RST in mid-body"),
        pytest.param(sending(CHUNKED + b"40\r\n{"), id="truncated chunk"),
        pytest.param(sending(CHUNKED + b"zz\r\n{}\r\n"), id="chunk size is no number"),
        pytest.param(sending(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), id="not HTTP"),
        pytest.param(sending(b"\x00\x01\xff" * 50 + b"\r\n\r\n"), id="binary noise"),
        pytest.param(sending(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000), id="endless header"),
        pytest.param(sending(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"), id="bad length"),
    ],
)
async def test_a_broken_conversation_is_a_connection_error(behaviour: Behaviour) -> None:
    async with PolicyServer(behaviour) as server:
        failure = await failure_of(client_for(server.endpoint))
        assert (failure.reason, failure.blame) == (CONNECTION, FAILURE)


async def test_a_refused_connection_is_a_connection_error() -> None:
    failure = await failure_of(client_for(f"http://127.0.0.1:{closed_port()}/predict"))
    assert (failure.reason, failure.blame) == (CONNECTION, FAILURE)


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "policy..invalid", "policy.invalid"])
async def test_a_name_that_does_not_resolve_is_a_connection_error(host: str) -> None:
    client = client_for(f"http://{host}:1/predict", timeout_sec=5.0)
    with pytest.raises(PolicyFailure) as caught:
        await client.predict([signal()])
    assert (caught.value.reason, caught.value.blame) == (CONNECTION, FAILURE)


async def test_tls_on_a_plain_port_is_a_connection_error() -> None:
    async def read_a_little_and_answer_in_plain(conversation: Conversation) -> None:
        await conversation.send(response(b"{}", 400))

    async with PolicyServer(read_a_little_and_answer_in_plain) as server:
        failure = await failure_of(client_for(f"https://127.0.0.1:{server.port}/predict"))
        assert (failure.reason, failure.blame) == (CONNECTION, FAILURE)


async def test_tls_on_a_silent_plain_port_is_a_timeout() -> None:
    async with PolicyServer(Conversation.until_left) as server:
        failure = await failure_of(client_for(f"https://127.0.0.1:{server.port}/predict"))
        assert (failure.reason, failure.blame) == (TIMEOUT, FAILURE)
    # A socket left open would warn here, and warnings are errors.
    gc.collect()


UNUSABLE_BODIES: dict[str, bytes | str] = {
    "malformed JSON": '{"predictions": [',
    "HTML": "<html><body>It works!</body></html>",
    "empty": "",
    "null": "null",
    "a list": json.dumps([good_row()]),
    "no predictions": "{}",
    "predictions not a list": '{"predictions": {}}',
    "too few": batch(),
    "too many": batch(good_row(), good_row()),
    "duplicate key": '{"predictions": [], ' + batch(good_row())[1:],
    "duplicate key in a row": batch(good_row()).replace(
        '"confidence"', '"confidence": 1, "confidence"'
    ),
    "duplicate key in an unknown field": batch(good_row(), extra=0).replace(
        '"extra": 0', '"extra": {"a": 1, "a": 1}'
    ),
    "deep nesting": "[" * 60_000,
    "deep nesting of objects": '{"a":' * 12_000,
    "10,000 digits": batch(good_row()).replace("0.1", "1" * 10_000),
    "bad UTF-8": batch(good_row()).replace("v1.0", "v\u00ff").encode("latin-1") + b"\xff",
    "byte order mark": b"\xef\xbb\xbf" + batch(good_row()).encode(),
    "a row that is no object": batch().replace("[]", "[[]]"),
    "no version anywhere": batch({k: v for k, v in good_row().items() if k != "model_version"}),
}


@pytest.mark.parametrize("body", UNUSABLE_BODIES.values(), ids=UNUSABLE_BODIES.keys())
async def test_an_unusable_body_is_an_invalid_prediction(body: bytes | str) -> None:
    async with PolicyServer(answering(body)) as server:
        failure = await failure_of(client_for(server.endpoint))
        assert (failure.reason, failure.blame) == (INVALID, FAILURE)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("name", ["position_pct", "predicted_return", "something_else"])
async def test_a_number_that_json_does_not_know_spoils_the_whole_reply(
    name: str, number: str
) -> None:
    body = batch(good_row(), good_row(**{name: 777})).replace("777", number)
    async with PolicyServer(answering(body)) as server:
        failure = await failure_of(client_for(server.endpoint), signal(), signal())
    assert (failure.reason, failure.blame) == (INVALID, FAILURE)


async def test_an_operator_ends_a_pause_that_retry_after_began() -> None:
    async with PolicyServer(answering(batch(good_row()), 429, {"Retry-After": "20"})) as server:
        client = client_for(server.endpoint)
        await failure_of(client)
        assert client.statistics()["held_for_sec"] > 0.0
        client.resume()
        assert client.statistics()["held_for_sec"] == 0.0


@pytest.mark.parametrize("number", ["true", '"0.5"', "null"])
@pytest.mark.parametrize(
    "name", ["position_pct", "confidence", "predicted_return", "predicted_volatility"]
)
async def test_what_is_not_a_finite_number_makes_a_row_invalid(name: str, number: str) -> None:
    body = batch(good_row(), good_row(**{name: 777})).replace("777", number)
    async with PolicyServer(answering(body)) as server:
        predictions = await client_for(server.endpoint).predict([signal(), signal()])
    assert predictions[0] is not None
    assert predictions[1] is None


@pytest.mark.parametrize(
    ("status", "blame"),
    [
        (500, FAILURE),
        (502, FAILURE),
        (503, FAILURE),
        (504, FAILURE),
        (429, FAILURE),
        (408, FAILURE),
        (301, FAILURE),
        (307, FAILURE),
        (400, NEUTRAL),
        (401, NEUTRAL),
        (403, NEUTRAL),
        (413, NEUTRAL),
        (422, NEUTRAL),
    ],
)
async def test_a_bad_status_is_blamed_on_whose_mistake_it_is(status: int, blame: Blame) -> None:
    # The body is a fine prediction: it must not be believed.
    async with PolicyServer(answering(batch(good_row()), status)) as server:
        client = client_for(server.endpoint)
        failure = await failure_of(client)
        assert (failure.reason, failure.blame) == (STATUS, blame)
        assert client.statistics()["client_errors"] == (blame is NEUTRAL)


async def test_a_refused_request_is_logged() -> None:
    async with PolicyServer(answering("{}", 422)) as server:
        with structlog.testing.capture_logs() as logs:
            await failure_of(client_for(server.endpoint))
    assert [(log["event"], log["status"]) for log in logs] == [("policy_refused_request", 422)]


async def test_a_redirect_is_never_followed() -> None:
    async with PolicyServer(speak_batch) as target:
        moved = answering("", 302, {"location": f"{target.endpoint}/batch"})
        async with PolicyServer(moved) as server:
            failure = await failure_of(client_for(server.endpoint))
        assert (failure.reason, failure.blame) == (STATUS, FAILURE)
        assert target.connections == 0


async def test_cookies_are_not_kept() -> None:
    reply = answering(batch(good_row()), headers={"set-cookie": "a=b; Path=/"})
    async with PolicyServer(reply) as server:
        client = client_for(server.endpoint)
        for _ in range(2):
            await client.predict([signal()])
        assert all("cookie" not in request.headers for request in server.received)


@pytest.mark.parametrize("head", [OK_HEAD.replace(b"100000", b"209715200"), CHUNKED])
async def test_a_huge_body_is_cut_at_a_cap(head: bytes) -> None:
    block = b" " * 65_536
    framed = b"10000\r\n" + block + b"\r\n" if head is CHUNKED else block
    async with PolicyServer(flooding(head, framed)) as server:
        failure = await failure_of(client_for(server.endpoint))
        assert (failure.reason, failure.blame) == (INVALID, FAILURE)
        assert "exceeds 69632 bytes" in failure.detail


async def test_a_gzip_bomb_is_refused_unopened() -> None:
    bomb = gzip.compress(b" " * 20_000_000)
    async with PolicyServer(answering(bomb, headers={"content-encoding": "gzip"})) as server:
        failure = await failure_of(client_for(server.endpoint))
        assert (failure.reason, failure.blame) == (INVALID, FAILURE)
        assert server.received[0].headers["accept-encoding"] == "identity"


async def test_an_identity_encoding_is_no_encoding() -> None:
    reply = answering(batch(good_row()), headers={"content-encoding": "identity"})
    async with PolicyServer(reply) as server:
        assert await client_for(server.endpoint).predict([signal()])


async def test_a_wrong_model_version_makes_a_row_invalid() -> None:
    reply = answering(batch(good_row(), good_row(model_version="v2")))
    async with PolicyServer(reply) as server:
        client = client_for(server.endpoint, expected_model_version="v2")
        first, second = await client.predict([signal(), signal()])
        assert first is None
        assert second is not None
        client = client_for(server.endpoint, expected_model_version="v3")
        failure = await failure_of(client, signal(), signal())
        assert (failure.reason, failure.blame) == (INVALID, FAILURE)


async def test_one_batch_call_carries_every_row_as_json_with_a_content_length() -> None:
    async with PolicyServer(speak_batch) as server:
        client = client_for(
            server.endpoint + "?tenant=a", api_key="key-1", headers={"X-Tunnel": "1"}
        )
        rows = [signal(confidence=0.5 + 0.01 * i) for i in range(20)]
        predictions = await client.predict(rows)
        (request,) = server.received
    assert [p.confidence for p in predictions if p] == [row.confidence for row in rows]
    assert (request.method, request.path) == ("POST", "/predict/batch?tenant=a")
    assert request.headers["content-type"] == "application/json"
    assert int(request.headers["content-length"]) == len(request.body)
    assert request.headers["authorization"] == "Bearer key-1"
    assert request.headers["x-tunnel"] == "1"
    assert request.document()["signals"][0] == {
        "symbol": "BTC-USD",
        "action": "BUY",
        "confidence": 0.5,
        "risk_score": 0.25,
        "regime": "TRENDING_UP",
        "expected_return": 0.12,
        "predicted_volatility": 0.04,
        "market_data": {"depth": [1, 2.5]},
        "baseline_pct": 0.08,
        "current_pct": 0.02,
        "returns": [0.01, -0.02, 0.03],
        "interval_sec": 86400.0,
    }


async def test_msgpack_packs_the_last_256_returns_as_little_endian_float32() -> None:
    history = np.linspace(-0.1, 0.1, 300)
    async with PolicyServer(speak_batch) as server:
        client = client_for(server.endpoint, wire="msgpack")
        assert await client.predict([signal(returns=history)])
        (request,) = server.received
    assert request.headers["content-type"] == "application/msgpack"
    assert request.headers["accept"] == "application/json"
    packed = np.frombuffer(request.document()["signals"][0]["returns"], dtype="<f4")
    np.testing.assert_array_equal(packed, history[-256:].astype(np.float32))


async def test_the_version_of_the_batch_serves_rows_without_one() -> None:
    row = {k: v for k, v in good_row().items() if k != "model_version"}
    extra = {"hit_probability": 0.6, "reason": "momentum", "unheard_of": [1, {"deep": None}]}
    reply = answering(batch(row | extra, model_version="v7", took_ms=3))
    async with PolicyServer(reply) as server:
        predictions = await client_for(server.endpoint).predict([signal()])
    assert predictions == (Prediction(0.1, 0.8, 0.05, 0.03, "v7", 0.6, "momentum"),)


@pytest.mark.parametrize("status", [404, 405])
async def test_without_a_batch_path_the_guide_call_is_made_for_each_row(status: int) -> None:
    async with PolicyServer(guide_only(status)) as server:
        client = client_for(server.endpoint, wire="msgpack", timeout_sec=2.0)
        rows = [signal(confidence=0.5 + 0.01 * i) for i in range(20)]
        predictions = await client.predict(rows)
        assert [p.confidence for p in predictions if p] == [row.confidence for row in rows]
        assert len(server.received) == 21
        assert client.statistics()["client_errors"] == 0
        assert server.received[1].document().keys() == {
            "symbol",
            "action",
            "confidence",
            "risk_score",
            "regime",
            "expected_return",
            "predicted_volatility",
            "market_data",
        }


async def test_a_missing_batch_path_is_remembered_for_five_minutes() -> None:
    clock = FakeClock()
    async with PolicyServer(guide_only()) as server:
        client = client_for(server.endpoint, clock=clock)
        await client.predict([signal()])
        clock.advance(299.0)
        await client.predict([signal()])
        assert [r.path for r in server.received] == ["/predict/batch", "/predict", "/predict"]
        assert client.statistics()["batch_supported"] is False
        server.behave = speak_batch
        clock.advance(2.0)
        await client.predict([signal()])
        assert server.received[-1].path == "/predict/batch"
        assert client.statistics()["batch_supported"] is True


async def test_at_most_eight_single_calls_run_at_once() -> None:
    busy, peak = 0, 0

    async def answer_when_eight_are_there(conversation: Conversation) -> None:
        nonlocal busy, peak
        request = await conversation.request()
        if request.path != "/predict":
            await conversation.send(response(b"", 404))
            return
        busy += 1
        peak = max(peak, busy)
        await asyncio.sleep(0.02)
        busy -= 1
        await conversation.send(response(json.dumps(good_row()).encode()))

    async with PolicyServer(answer_when_eight_are_there) as server:
        client = client_for(server.endpoint, timeout_sec=2.0)
        assert len(await client.predict([signal()] * 24)) == 24
    assert peak == 8


async def test_the_deadline_covers_the_switch_from_batch_to_singles() -> None:
    async def slow_404_then_slow_answers(conversation: Conversation) -> None:
        request = await conversation.request()
        await asyncio.sleep(0.6 * DEADLINE)
        status = 200 if request.path == "/predict" else 404
        await conversation.send(response(json.dumps(good_row()).encode(), status))

    async with PolicyServer(slow_404_then_slow_answers) as server:
        failure = await failure_of(client_for(server.endpoint), *[signal()] * 20)
        assert (failure.reason, failure.blame) == (TIMEOUT, FAILURE)


async def test_single_rows_that_hang_do_not_spoil_those_that_answered() -> None:
    async with PolicyServer(guide_only(rows={"HANG": stay_silent})) as server:
        client = client_for(server.endpoint)
        started = time.perf_counter()
        predictions = await client.predict([signal("HANG"), signal("BTC-USD"), signal("HANG")])
        assert time.perf_counter() - started <= DEADLINE + MARGIN
    assert [prediction is not None for prediction in predictions] == [False, True, False]


@pytest.mark.parametrize(
    ("symbols", "reason", "blame"),
    [
        (["HANG", "RESET", "REFUSED", "NAN"], TIMEOUT, FAILURE),
        (["NAN", "RESET", "REFUSED"], CONNECTION, FAILURE),
        (["NAN", "REFUSED"], STATUS, FAILURE),
        (["NAN", "NAN"], INVALID, FAILURE),
        (["REFUSED", "REFUSED"], STATUS, NEUTRAL),
    ],
)
async def test_with_no_single_row_usable_the_worst_reason_is_given(
    symbols: list[str], reason: FallbackReason, blame: Blame
) -> None:
    rows = {
        "HANG": stay_silent,
        "RESET": reset_on_accept,
        "REFUSED": answering("{}", 422),
        "NAN": answering(json.dumps(good_row(confidence=float("nan")))),
    }
    async with PolicyServer(guide_only(rows=rows)) as server:
        failure = await failure_of(client_for(server.endpoint), *map(signal, symbols))
        assert (failure.reason, failure.blame) == (reason, blame)


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_heeded_without_asking_upstream(status: int) -> None:
    clock = FakeClock()
    async with PolicyServer(answering("", status, {"retry-after": "7"})) as server:
        client = client_for(server.endpoint, clock=clock)
        assert (await failure_of(client)).blame is FAILURE
        clock.advance(6.9)
        failure = await failure_of(client)
        assert (failure.reason, failure.blame) == (STATUS, NEUTRAL)
        assert len(server.received) == 1
        assert client.statistics()["held_for_sec"] == pytest.approx(0.1)
        server.behave = speak_batch
        clock.advance(0.2)
        assert await client.predict([signal()])


def retry_after_dates() -> Iterator[Any]:
    at = FakeClock().now_ns() / 1e9
    for name, seconds, held in (("soon", 10, 10.0), ("far", 9999, 30.0), ("past", -10, 0.0)):
        date = datetime.fromtimestamp(at + seconds, tz=UTC)
        yield pytest.param(format_datetime(date, usegmt=True), held, id=f"date {name}")


@pytest.mark.parametrize(
    ("value", "held_sec"),
    [
        ("5", 5.0),
        ("86400", 30.0),
        ("9" * 5000, 30.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("soon", 0.0),
        ("", 0.0),
        ("Wed, 21 Oct 99999999999 07:28:00 GMT", 0.0),
        *retry_after_dates(),
    ],
)
async def test_retry_after_is_capped_and_nonsense_is_ignored(value: str, held_sec: float) -> None:
    async with PolicyServer(answering("", 429, {"retry-after": value})) as server:
        client = client_for(server.endpoint)
        await failure_of(client)
        assert client.statistics()["held_for_sec"] == pytest.approx(held_sec)


async def test_retry_after_on_one_single_row_stops_those_behind_it() -> None:
    async with PolicyServer(guide_only()) as server:
        limited = answering("", 429, {"retry-after": "5"})
        server.behave = guide_only(rows={"BTC-USD": limited})
        client = client_for(server.endpoint, timeout_sec=2.0)
        with pytest.raises(PolicyFailure) as caught:
            await client.predict([signal()] * 100)
        assert (caught.value.reason, caught.value.blame) == (STATUS, FAILURE)
        assert len(server.received) <= 1 + 8


async def test_a_full_bulkhead_refuses_at_once_and_blames_nobody() -> None:
    async with PolicyServer(stay_silent) as server:
        client = client_for(server.endpoint, max_concurrent=2)
        asking = [asyncio.ensure_future(failure_of(client)) for _ in range(2)]
        await eventually(lambda: len(server.received) == 2)
        failure = await failure_of(client)
        assert (failure.reason, failure.blame) == (FallbackReason.OVERLOADED, NEUTRAL)
        assert [f.reason for f in await asyncio.gather(*asking)] == [TIMEOUT, TIMEOUT]


async def test_a_cancelled_caller_abandons_its_exchange_which_ends_by_its_own_deadline() -> None:
    async with PolicyServer(stay_silent) as server:
        client = client_for(server.endpoint, max_concurrent=1)
        asking = asyncio.ensure_future(client.predict([signal()]))
        await eventually(lambda: len(server.received) == 1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert client.statistics()["in_flight"] == 1
        server.behave = speak_batch
        await eventually(lambda: client.statistics()["in_flight"] == 0)
        assert await client.predict([signal()])


async def test_a_server_that_flaps_under_cancelled_callers_leaves_no_slot_behind() -> None:
    moods = [stay_silent, reset_on_accept, dripping(response(b"x" * 99)), sending(HALF_BODY)]
    async with PolicyServer(stay_silent) as server:
        client = client_for(server.endpoint, max_concurrent=8)
        for flap in range(30):
            server.behave = moods[flap % len(moods)]
            calls = [asyncio.wait_for(client.predict([signal()]), 0.01) for _ in range(4)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(r, TimeoutError | PolicyFailure) for r in results)
        await eventually(lambda: client.statistics()["in_flight"] == 0)
        server.behave = speak_batch
        for _ in range(10):
            assert await client.predict([signal()])


async def test_close_ends_what_is_in_flight() -> None:
    async with PolicyServer(stay_silent) as server:
        client = client_for(server.endpoint, timeout_sec=30.0)
        asking = asyncio.ensure_future(failure_of(client))
        await eventually(lambda: len(server.received) == 1)
        await client.close()
        failure = await asking
        assert (failure.reason, failure.blame) == (CONNECTION, NEUTRAL)
        assert client.statistics()["in_flight"] == 0


async def test_a_full_pool_of_a_given_transport_is_neutral() -> None:
    def no_slot(request: httpx.Request) -> httpx.Response:
        raise httpx.PoolTimeout("", request=request)

    client = client_for("http://policy.test/predict", transport=httpx.MockTransport(no_slot))
    failure = await failure_of(client)
    await client.close()
    assert (failure.reason, failure.blame) == (FallbackReason.OVERLOADED, NEUTRAL)


@pytest.mark.parametrize("wire", ["json", "msgpack"])
async def test_market_data_that_no_wire_can_carry_is_the_callers_own_fault(wire: str) -> None:
    client = client_for(f"http://127.0.0.1:{closed_port()}/predict", wire=wire)
    failure = await failure_of(client, signal(market_data={"a": object()}))
    assert (failure.reason, failure.blame) == (INVALID, NEUTRAL)


async def test_integers_beyond_64_bits_travel_as_json() -> None:
    async with PolicyServer(speak_batch) as server:
        assert await client_for(server.endpoint).predict([signal(market_data={"a": 10**30})])
        assert server.received[0].document()["signals"][0]["market_data"] == {"a": 10**30}


async def test_statistics_count_rows_and_calls() -> None:
    reply = answering(batch(good_row(), good_row(confidence=2)))
    async with PolicyServer(reply) as server:
        client = client_for(server.endpoint)
        assert client.statistics()["success_rate"] == 1.0
        assert await client.predict([]) == ()
        await client.predict([signal(), signal()])
        assert client.statistics() == {
            "total_predictions": 2,
            "successful_predictions": 1,
            "success_rate": 0.5,
            "upstream_calls": 1,
            "client_errors": 0,
            "in_flight": 0,
            "batch_supported": True,
            "held_for_sec": 0.0,
        }


@pytest.mark.parametrize("behaviour", [answering("{}", 401), reset_on_accept, answering("nope")])
async def test_secrets_are_in_no_log_and_no_error(behaviour: Behaviour) -> None:
    secrets: dict[str, Any] = {"api_key": "s3cr3t-key", "headers": {"x-tunnel": "s3cr3t-header"}}
    async with PolicyServer(behaviour) as server:
        endpoint = f"http://user:s3cr3t-word@127.0.0.1:{server.port}/predict"
        client = client_for(endpoint, **secrets)
        with structlog.testing.capture_logs() as logs:
            failure = await failure_of(client)
    said = f"{failure!r} {failure.detail} {failure.__cause__!r} {logs} {client!r}"
    assert "s3cr3t" not in said
    assert "s3cr3t" not in repr(HttpPolicyOptions(**secrets))


async def test_a_user_in_the_endpoint_becomes_basic_authorization() -> None:
    async with PolicyServer(speak_batch) as server:
        await client_for(f"http://me:p%40ss@127.0.0.1:{server.port}/predict").predict([signal()])
        assert server.received[0].headers["authorization"] == "Basic bWU6cEBzcw=="
        assert server.received[0].headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("value", ["s3cr3t\r\nx: y", "s3cr3t\u20ac"])
def test_a_header_that_cannot_be_sent_is_refused_without_showing_it(value: str) -> None:
    with pytest.raises(ValueError, match="header 'authorization'") as caught:
        client_for("http://127.0.0.1/predict", api_key=value)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("endpoint", ["", "predict", "ftp://host/predict", "http:///predict"])
def test_an_endpoint_that_is_no_http_url_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match=r"^endpoint must be"):
        client_for(endpoint)


@pytest.mark.parametrize("timeout_sec", [0.0, -1.0, float("nan"), float("inf")])
def test_a_senseless_deadline_is_refused(timeout_sec: float) -> None:
    with pytest.raises(ValueError, match=r"^timeout_sec must be"):
        client_for("http://127.0.0.1/predict", timeout_sec=timeout_sec)
