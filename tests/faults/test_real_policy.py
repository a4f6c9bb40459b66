"""The real inference server with its dummy model, behind a network that is not always there."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.services import DEADLINE_SEC
from tests.tools.chaos import toxics
from tests.tools.chaos.fault import CONNECTION, TIMEOUT, USED, Family, Fault
from tests.tools.chaos.matrix import WAIT_SEC
from tests.tools.chaos.proxy import FaultProxy
from tests.tools.chaos.service import ROOT, Service, closed_ports, wait_until_ready
from tests.tools.chaos.toxics import Toxic
from tests.tools.chaos.upstreams import Arrange, Upstream
from tests.tools.chaos.walk import ALLOWANCE_SEC, STATES, Walker


@pytest.fixture(scope="module")
def policy_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    (port,) = closed_ports(1)
    log: Path = tmp_path_factory.mktemp("policy") / "server.log"
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HIMARI_")}
    command = [sys.executable, "-m", "uvicorn", "inference_server.main:app", "--port", str(port)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=clean | {"HIMARI_INFERENCE_MODEL": "dummy-1", "HIMARI_INFERENCE_DRAIN_SEC": "0"},
            stdout=output,
            stderr=output,
        )
    try:
        wait_until_ready(process, port, log)
        yield port
    finally:
        process.kill()
        process.wait(10)


def behind(target_port: int, *replies: Toxic) -> Arrange:
    @asynccontextmanager
    async def arrange(port: int) -> AsyncIterator[Upstream]:
        async with FaultProxy(target_port, port, replies=replies) as proxy:
            yield proxy

    return arrange


NETWORKS: dict[str, tuple[tuple[Toxic, ...], str | None]] = {
    "healthy": ((), USED),
    "30 ms late": ((toxics.latency(0.03),), USED),
    "slices of a byte": ((toxics.sliced(1),), USED),
    "silence in mid-answer": ((toxics.silence(after=150),), TIMEOUT),
    "FIN in mid-answer": ((toxics.limit_data(150),), CONNECTION),
    "RST in mid-answer": ((toxics.reset_after(150),), CONNECTION),
}


@pytest.mark.parametrize("network", NETWORKS)
async def test_our_own_server_is_used_where_the_network_lets_it_and_costs_nothing_elsewhere(
    services: dict[str, Service], phase2: Mapping[str, Any], policy_port: int, network: str
) -> None:
    replies, reason = NETWORKS[network]
    fault: Fault = Family("Real", "any_model").fault(network, behind(policy_port, *replies), reason)
    service = services["any_model"]
    walker = Walker(service, service.caller(), phase2, WAIT_SEC)
    measured = (await walker.walk(fault)).answers
    walker.caller.close()
    assert [(answer.state, answer.problems) for answer in measured] == [(s, ()) for s in STATES]
    for answer in measured:
        assert answer.elapsed_sec - answer.withheld_sec <= DEADLINE_SEC + ALLOWANCE_SEC
