"""A server that stays away for ten minutes of a clock that the test moves."""

from pathlib import Path

import pytest

from app.settings import Settings
from tests.adapters.policy.policy_server import PolicyServer, reset_on_accept, speak_batch
from tests.fakes import FakeClock
from tests.faults.services import started
from tests.tools.chaos.batch import BATCH
from tests.tools.chaos.outage import expected_hits

OUTAGE_SEC = 600
JSON = {"content-type": "application/json"}


pytestmark = pytest.mark.usefixtures("quiet_log")


async def test_ten_minutes_without_rl_cost_no_answer_and_the_policy_meets_probes_alone(
    tmp_path: Path,
) -> None:
    clock, statuses = FakeClock(), set()
    async with PolicyServer(reset_on_accept) as policy:
        settings = Settings(
            enable_rl=True,
            rl_endpoint=policy.endpoint,
            database_url=f"sqlite:///{tmp_path}/journal.db",
        )
        async with started(settings, clock) as (service, client):
            for _ in range(OUTAGE_SEC // 2):
                answer = await client.post("/allocate", content=BATCH, headers=JSON)
                statuses.add((answer.status_code, answer.json()["strategy"]))
                clock.advance(2.0)
            circuit = service.operating.circuit()
            assert statuses == {(200, "fallback")}
            assert policy.connections == circuit["total_requests"] == expected_hits(OUTAGE_SEC) == 9
            policy.behave = speak_batch
            clock.advance(circuit["time_until_retry_sec"])
            answer = await client.post("/allocate", content=BATCH, headers=JSON)
            assert answer.json()["strategy"] == "rl"
            assert service.operating.circuit()["state"] == "closed"


@pytest.mark.parametrize(
    ("outage_sec", "hits"), [(1.0, 5), (30.0, 5), (31.0, 6), (451.0, 9), (751.0, 10), (1051.0, 11)]
)
def test_an_outage_is_probed_after_30_60_120_240_and_300_seconds(
    outage_sec: float, hits: int
) -> None:
    assert expected_hits(outage_sec) == hits
