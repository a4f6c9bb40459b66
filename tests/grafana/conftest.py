"""One run of everything, shared by the tests that look at it."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests.grafana.inbox import receiving
from tests.grafana.load import Load
from tests.grafana.servers import both_servers
from tests.grafana.watched import Watched
from tests.grafana.watching import alertmanager, prometheus
from tests.tools.chaos.service import closed_ports


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    service, inference, scraper, manager, webhook = closed_ports(5)
    with (
        ExitStack() as leaving,
        receiving(webhook) as inbox,
        alertmanager(folder, manager, webhook),
        both_servers(folder, service, inference) as servers,
        prometheus(
            folder, scraper, {"himari": service, "himari-inference": inference}, manager
        ) as watching,
    ):
        for job in ("himari", "himari-inference"):
            watching.wait_for(f'up{{job="{job}"}} == 1')
        load = leaving.enter_context(closing(Load(servers)))
        load.play()
        load.ask("PUT", "/trading-state", {"state": "HALTED", "reason": "an exercise"})
        # the service ends connections that are idle; the next request opens another
        load.close()
        # the last scrape and the last judgement have both seen the end
        watching.wait_for('ALERTS{alertname="HimariHalted",alertstate="firing"}')
        watching.wait_for('up{job="himari-inference"} == 1')
        yield Watched(watching, inbox, load)
