"""The HTTP policy client where there is no conversation, or a broken or a slow one."""

import gc

import pytest

from app.core.errors import PolicyFailure
from tests.adapters.policy.policy_asking import (
    CONNECTION,
    FAILURE,
    TIMEOUT,
    client_for,
    closed_port,
    eventually,
    failure_of,
    signal,
)
from tests.adapters.policy.policy_server import (
    Behaviour,
    Conversation,
    PolicyServer,
    close_on_accept,
    dripping,
    reset_on_accept,
    response,
    sending,
    sending_then_reset,
    stay_silent,
)

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
