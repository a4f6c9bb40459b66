"""The wall clock jumps an hour either way at every look at it; nothing but records may change."""

import json
import time
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from app.pipeline.service import SizingService
from app.replay import replay_journal
from app.settings import Settings
from tests.adapters.policy.policy_server import (
    PolicyServer,
    reset_on_accept,
    speak_batch,
    stay_silent,
)
from tests.fakes import FakeClock
from tests.faults.services import started
from tests.tools.chaos.batch import BATCH

pytestmark = pytest.mark.usefixtures("quiet_log")

HOUR_NS = 3600 * 10**9
STEPS = 30
# In an answer: identity, measured time, and the wall clock itself.
OWN = ("decision_id", "latency_ms", "timestamp_ns")
REGIMES = ("TRENDING_UP", "HIGH_VOLATILITY", "HIGH_VOLATILITY", "HIGH_VOLATILITY", "RANGING")


class JumpingClock(FakeClock):
    """Jumps an hour forward or back each time the wall clock is read, so also within requests."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0
        self._jumps = cycle((0, HOUR_NS, -HOUR_NS, HOUR_NS, 0, -HOUR_NS))

    def now_ns(self) -> int:
        self.read += 1
        return super().now_ns() + next(self._jumps)


class JumpingInRealTime(JumpingClock):
    """The same, with a monotonic clock that runs."""

    def monotonic(self) -> float:
        return time.monotonic()


def settings_on(path: Path, **changes: Any) -> Settings:
    return Settings(database_url=f"sqlite:///{path}", synchronous="NORMAL", **changes)


def batch_at(step: int) -> bytes:
    batch = json.loads(BATCH)
    for signal in batch["signals"]:
        # a period a step; of before the earliest reading of the clock, or it would be refused
        signal["timestamp_ns"] += step * 60 * 10**9 - 2 * HOUR_NS
        signal["regime"] = REGIMES[step % len(REGIMES)]
    batch["portfolio_value"] = 100_000 - 100 * step
    return json.dumps(batch).encode()


async def post(
    client: httpx.AsyncClient, content: bytes, key: str | None = None, token: str | None = None
) -> httpx.Response:
    headers = {"content-type": "application/json"}
    headers |= {} if key is None else {"idempotency-key": key}
    headers |= {} if token is None else {"authorization": f"Bearer {token}"}
    return await client.post("/allocate", content=content, headers=headers)


async def lived(path: Path, clock: FakeClock) -> dict[str, Any]:
    """Live through a policy that fails and comes back; tell all that was answered and believed."""
    answers, waits = [], []
    async with PolicyServer(reset_on_accept) as policy:
        settings = settings_on(path, enable_rl=True, rl_endpoint=policy.endpoint)
        async with started(settings, clock) as (service, client):
            for step in range(STEPS):
                if step == STEPS // 2:
                    policy.behave = speak_batch
                answer = (await post(client, batch_at(step))).json()
                answers.append({k: v for k, v in answer.items() if k not in OWN})
                waits.append(service.operating.circuit()["time_until_retry_sec"])
                clock.advance(4.0)
            beliefs, circuit = believed(service), service.operating.circuit()
    return {"answers": answers, "waits": waits, "beliefs": beliefs, "circuit": circuit}


def believed(service: SizingService) -> Mapping[str, Any]:
    state = service.showing.state()
    return {name: state[name] for name in ("regimes", "regime_transitions", "strategies", "market")}


async def test_jumps_change_no_decision_no_regime_and_no_wait_of_the_breaker(
    tmp_path: Path,
) -> None:
    clock = JumpingClock()
    steady = await lived(tmp_path / "steady.db", FakeClock())
    jumping = await lived(tmp_path / "jumping.db", clock)
    assert clock.read > 2 * STEPS
    assert jumping == steady
    # The run is worth comparing: the circuit opened, waited, closed; regimes changed.
    strategies = {answer["strategy"] for answer in steady["answers"]}
    assert (strategies, max(steady["waits"])) == ({"rl", "fallback"}, 60.0)
    assert (steady["circuit"]["state"], steady["beliefs"]["regime_transitions"] > 0) == (
        "closed",
        True,
    )


async def test_the_journal_keeps_its_order_and_replays_to_the_last_bit(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    async with started(settings_on(path), JumpingClock()) as (_, client):
        made = [(await post(client, batch_at(step))).json() for step in range(STEPS)]
        paged, page = [], {"limit": "7"}
        while found := (await client.get("/decisions", params=page)).json()["decisions"]:
            paged += found
            page["before_seq"] = str(found[-1]["seq"])
    # Records show the wall clock as it was read, so they may go back; their numbers never do.
    times = [answer["timestamp_ns"] for answer in made]
    assert times != sorted(times)
    in_order = sorted(paged, key=lambda entry: entry["seq"])
    assert [entry["decision_id"] for entry in in_order] == [a["decision_id"] for a in made]
    replayed = replay_journal(f"sqlite:///{path}")
    assert (replayed.compared, replayed.differences) == (STEPS, [])


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_idempotency_key_answers_the_same_bytes_over_every_jump(
    tmp_path: Path,
    restarted: bool,  # noqa: FBT001 - a case
) -> None:
    path, clock = tmp_path / "himari.db", JumpingClock()
    async with started(settings_on(path), clock) as (_, client):
        first = await post(client, BATCH, key="once")
        for _ in range(0 if restarted else 12):
            clock.advance(300.0)
            assert (await post(client, BATCH, key="once")).content == first.content
    async with started(settings_on(path), clock) as (_, client):
        # Old keys are cleared away with other decisions; an hour either way is not a day.
        clock.advance(21 * 3600.0)
        for step in range(4):
            clock.advance(61.0)
            assert (await post(client, batch_at(step))).status_code == 200
        assert (await post(client, BATCH, key="once")).content == first.content


async def test_a_rate_limit_grants_neither_more_nor_less(tmp_path: Path) -> None:
    async def statuses(clock: FakeClock, path: Path) -> list[int]:
        settings = settings_on(path, api_keys="k1", rate_limit_per_sec=0.5, rate_limit_burst=3)
        async with started(settings, clock) as (_, client):
            found = []
            for step in range(STEPS):
                found.append((await post(client, batch_at(step), token="k1")).status_code)
                clock.advance(1.0)
        return found

    steady = await statuses(FakeClock(), tmp_path / "steady.db")
    assert set(steady) == {200, 429}
    assert await statuses(JumpingClock(), tmp_path / "jumping.db") == steady


async def test_a_deadline_and_the_latencies_are_of_the_monotonic_clock(tmp_path: Path) -> None:
    total = {"stage": "total"}
    before = REGISTRY.get_sample_value("himari_l3_decision_latency_ms_sum", total) or 0.0
    async with PolicyServer(stay_silent) as policy:
        settings = settings_on(
            tmp_path / "himari.db",
            enable_rl=True,
            rl_endpoint=policy.endpoint,
            rl_timeout_sec=0.2,
        )
        async with started(settings, JumpingInRealTime()) as (_, client):
            answers = [(await post(client, batch_at(step))).json() for step in range(3)]
    assert {answer["fallback_reason"] for answer in answers} == {"timeout"}
    for answer in answers:
        # Far from an hour either way, however slow the machine.
        assert 190.0 <= answer["latency_ms"] < 60_000.0
    after = REGISTRY.get_sample_value("himari_l3_decision_latency_ms_sum", total) or 0.0
    assert 3 * 190.0 <= after - before < 180_000.0
