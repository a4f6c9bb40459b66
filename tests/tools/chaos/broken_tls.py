"""Faults of the handshake and of an encrypted conversation; the service trusts one authority."""

import atexit
import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Final

from tests.adapters.policy.policy_server import PolicyServer, speak_batch
from tests.certificates import Authority
from tests.tools.chaos import toxics
from tests.tools.chaos.fault import CONNECTION, TIMEOUT, USED, Family, Fault
from tests.tools.chaos.proxy import FaultProxy
from tests.tools.chaos.toxics import Toxic
from tests.tools.chaos.upstreams import Arrange, Upstream

# The authority that the service trusts.
TRUSTED: Final = "trusted"
# Of the server's side of a handshake, which takes some 1,100 bytes.
MID_HANDSHAKE: Final = 300
MID_ANSWER: Final = 1_400


@cache
def authority(name: str) -> Authority:
    """Make an authority, once a process and name."""
    folder = Path(tempfile.mkdtemp(prefix="himari-tls-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Authority(folder, name)


@cache
def _shown(by: str, host: str, *, expired: bool) -> ssl.SSLContext:
    # The files of a certificate may be written over by the next one for the same host.
    return authority(by).issue(host, expired=expired).for_server()


def encrypted(
    *replies: Toxic, by: str = TRUSTED, host: str = "IP:127.0.0.1", expired: bool = False
) -> Arrange:
    """Arrange a healthy https server with such a certificate, behind a proxy with these toxics."""

    @asynccontextmanager
    async def arrange(port: int) -> AsyncIterator[Upstream]:
        shown = _shown(by, host, expired=expired)
        async with (
            PolicyServer(speak_batch, tls=shown) as server,
            FaultProxy(server.port, port, replies=replies) as proxy,
        ):
            yield proxy

    return arrange


def encryption() -> Iterator[Fault]:
    """Certificates that are wrong, and a network that fails where bytes are not yet text."""
    family = Family("TLS", "tls")
    yield family.fault("healthy", encrypted(), USED)
    yield family.fault("slow close", encrypted(toxics.slow_close(5.0)), USED)
    for name, arrange in {
        "certificate of another authority": encrypted(by="foreign"),
        "certificate expired": encrypted(expired=True),
        "certificate of another host": encrypted(host="DNS:policy.example"),
        "RST in mid-handshake": encrypted(toxics.reset_after(MID_HANDSHAKE)),
        "FIN in mid-handshake": encrypted(toxics.limit_data(MID_HANDSHAKE)),
        "RST in mid-answer": encrypted(toxics.reset_after(MID_ANSWER)),
        "FIN in mid-answer": encrypted(toxics.limit_data(MID_ANSWER)),
    }.items():
        yield family.fault(name, arrange, CONNECTION)
    for name, arrange in {
        "handshake in slices of 10 bytes": encrypted(toxics.sliced(10, 0.05)),
        "silence in mid-handshake": encrypted(toxics.silence(after=MID_HANDSHAKE)),
        "silence in mid-answer": encrypted(toxics.silence(after=MID_ANSWER)),
    }.items():
        yield family.fault(name, arrange, TIMEOUT)
