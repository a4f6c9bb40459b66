"""The HTTP policy client and replies that came, but cannot be believed."""

import gzip
import json

import pytest
import structlog

from app.core.errors import Blame
from tests.adapters.policy.policy_asking import (
    FAILURE,
    INVALID,
    NEUTRAL,
    STATUS,
    batch,
    client_for,
    failure_of,
    signal,
)
from tests.adapters.policy.policy_server import (
    PolicyServer,
    answering,
    flooding,
    good_row,
    speak_batch,
)

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
OK_HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n"
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
