"""TLS to the policy: its certificate is verified, whatever fails is Phase 2, and nothing is plain.

The servers are real ones on loopback, their certificates those of an authority of the tests' own.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.adapters.policy.http import HttpPolicyClient
from app.adapters.policy.options import HttpPolicyOptions
from app.adapters.policy.post import tls_context
from app.core.errors import Blame, PolicyFailure
from app.core.types import FallbackReason
from tests.adapters.policy.policy_asking import batch, signal
from tests.adapters.policy.policy_server import PolicyServer, answering, good_row
from tests.certificates import Authority, Certificate
from tests.fakes import FakeClock

KEY = "s3cr3t-of-the-hop"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("foreign"), "foreign")


def server_with(certificate: Certificate) -> PolicyServer:
    return PolicyServer(answering(batch(good_row())), tls=certificate.for_server())


def client_for(endpoint: str, ca_file: Path | None) -> HttpPolicyClient:
    options = HttpPolicyOptions(api_key=KEY, ca_file=None if ca_file is None else str(ca_file))
    return HttpPolicyClient(endpoint, 5.0, clock=FakeClock(), options=options)


async def refusal_of(client: HttpPolicyClient) -> PolicyFailure:
    with pytest.raises(PolicyFailure) as caught:
        await client.predict([signal()])
    return caught.value


async def test_a_certificate_of_the_own_authority_is_trusted(own: Authority) -> None:
    async with server_with(own.issue()) as server:
        (prediction,) = await client_for(server.endpoint, own.certificate).predict([signal()])
        assert prediction is not None
        assert server.received[0].headers["authorization"] == f"Bearer {KEY}"


WRONG: dict[str, Callable[[Authority, Authority], Certificate]] = {
    "another authority": lambda _, foreign: foreign.issue(),
    "expired": lambda own, _: own.issue(expired=True),
    "another host": lambda own, _: own.issue("DNS:policy.example"),
    "another address": lambda own, _: own.issue("IP:127.0.0.2"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_a_certificate_that_is_wrong_is_a_connection_error_and_nothing_is_sent(
    own: Authority, foreign: Authority, what: str
) -> None:
    async with server_with(WRONG[what](own, foreign)) as server:
        failure = await refusal_of(client_for(server.endpoint, own.certificate))
        assert (failure.reason, failure.blame) == (FallbackReason.CONNECTION_ERROR, Blame.FAILURE)
        assert "CERTIFICATE_VERIFY_FAILED" in failure.detail
        assert server.received == []


async def test_without_a_ca_file_the_own_authority_is_not_trusted(own: Authority) -> None:
    async with server_with(own.issue()) as server:
        failure = await refusal_of(client_for(server.endpoint, None))
        assert failure.reason is FallbackReason.CONNECTION_ERROR
        assert server.received == []


def test_with_a_ca_file_its_authorities_alone_are_trusted_and_names_checked(own: Authority) -> None:
    trust = tls_context(httpx.URL("https://127.0.0.1/predict"), str(own.certificate))
    assert [each["subject"] for each in trust.get_ca_certs()] == [((("commonName", "authority"),),)]
    assert (trust.verify_mode, trust.check_hostname) == (ssl.CERT_REQUIRED, True)


async def test_a_port_without_tls_never_sees_the_key(own: Authority) -> None:
    wire_bytes = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire_bytes.extend(await reader.read(65_536))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        failure = await refusal_of(client_for(f"https://127.0.0.1:{port}/predict", own.certificate))
    assert failure.reason is FallbackReason.CONNECTION_ERROR
    # a TLS record of type handshake, and neither key nor request in it
    assert wire_bytes[0] == 22
    assert KEY.encode() not in wire_bytes
    assert b"predict" not in wire_bytes


async def test_an_old_protocol_is_a_connection_error(own: Authority) -> None:
    old = own.issue().for_server()
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    async with PolicyServer(answering(batch(good_row())), tls=old) as server:
        failure = await refusal_of(client_for(server.endpoint, own.certificate))
    assert failure.reason is FallbackReason.CONNECTION_ERROR


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_ca_file_that_cannot_be_used_is_refused_at_the_start(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content, "ascii")
    with pytest.raises(ValueError, match=r"CA file .*ca.pem cannot be used"):
        client_for("https://127.0.0.1:1/predict", path)


def test_a_name_is_checked_as_a_name(own: Authority) -> None:
    assert socket.gethostbyname("localhost") == "127.0.0.1"

    async def ask() -> str:
        async with server_with(own.issue("DNS:localhost")) as server:
            client = client_for(f"https://localhost:{server.port}/predict", own.certificate)
            await client.predict([signal()])
            return (await refusal_of(client_for(server.endpoint, own.certificate))).detail

    assert "IP address mismatch" in asyncio.run(ask())
