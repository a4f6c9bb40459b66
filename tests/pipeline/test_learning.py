"""Observations and outcomes on a real journal: what counts, what is told, what is withdrawn."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core.params import BrakeParams, EngineParams, MarketParams, SignalParams
from app.core.types import Action, Batch, CascadeIndicators, Outcome, Regime, Signal
from app.pipeline.service import IdempotencyClaim, SizingService
from app.pipeline.views import records_view
from tests.fakes import FakeClock, FakeTelemetry
from tests.pipeline.builders import START_NS, assert_replays, service_on

MINUTE = 60 * 10**9
DAY = 86_400 * 10**9
WARY = EngineParams(brakes=BrakeParams(price_jump_from=0.5))


def reasons(**counts: int) -> dict[str, int]:
    names = ("older", "ahead", "no_price", "disbelieved", "no_room")
    return {name: counts.get(name, 0) for name in names}


def now_of(service: SizingService) -> int:
    return service.world.clock.now_ns()


def batch_of(step: int, price: float = 100.0, sigma: float | None = 0.05, **changes: Any) -> Batch:
    """One BUY of V."""
    signal = Signal(
        strategy_id="st",
        symbol="V",
        action=Action.BUY,
        confidence=0.8,
        risk_score=0.2,
        regime=Regime.RANGING,
        timestamp_ns=START_NS + step,
        expected_return=0.002,
        predicted_volatility=sigma,
    )
    batch = Batch(
        signals=(signal,),
        cascade=CascadeIndicators(),
        prices={"V": price},
        portfolio_value=100_000.0,
        received_ns=START_NS + step,
    )
    return replace(batch, **changes)


async def test_each_ignored_price_is_told_by_its_reason(tmp_path: Path) -> None:
    params = replace(WARY, market=MarketParams(max_symbols=3))
    service = service_on(tmp_path / "j.db", params)
    await service.start()
    now = now_of(service)
    first = await service.learning.observe_prices(now - DAY, {"A": 1.0, "B": 2.0, "C": 3.0})
    assert first == {"accepted": 3, "ignored": 0, "reasons": reasons()}
    prices = {"A": 1.1, "B": 200.0, "C": None, "D": 1.0, "E": 0.0, "F": -1.0}
    second = await service.learning.observe_prices(now - DAY + 1, prices)
    # C has a row but no price: D finds room in none
    assert second == {
        "accepted": 2,
        "ignored": 4,
        "reasons": reasons(no_price=3, disbelieved=1),
    }
    older = await service.learning.observe_prices(now - DAY, {"A": 1.0})
    assert older == {"accepted": 0, "ignored": 1, "reasons": reasons(older=1)}
    await service.stop()


async def test_c25_what_finds_no_room_is_told(tmp_path: Path) -> None:
    service = service_on(tmp_path / "j.db", EngineParams(market=MarketParams(max_symbols=2)))
    await service.start()
    now = now_of(service)
    await service.learning.observe_prices(now - 2, {"A": 1.0, "B": 2.0})
    found = await service.learning.observe_prices(now - 1, {"A": 1.0, "B": 2.0, "ZEC": 3.0})
    assert found == {"accepted": 2, "ignored": 1, "reasons": reasons(no_room=1)}
    await service.stop()


@pytest.mark.parametrize("ahead_sec", [0.0, 60.0])
async def test_c14_a_stamp_a_little_ahead_counts_as_now(tmp_path: Path, ahead_sec: float) -> None:
    service = service_on(tmp_path / "j.db", EngineParams())
    await service.start()
    now = now_of(service)
    found = await service.learning.observe_prices(now + round(ahead_sec * 1e9), {"V": 1.0})
    assert found["accepted"] == 1
    last = service.beliefs.market.last("V")
    assert last is not None
    assert last.at_ns == now
    await service.stop()


async def test_c14_a_stamp_far_ahead_is_ignored_and_does_not_make_right_ones_old(
    tmp_path: Path,
) -> None:
    service = service_on(tmp_path / "j.db", EngineParams())
    await service.start()
    now = now_of(service)
    far = await service.learning.observe_prices(now + 23 * 3600 * 10**9, {"V": 1.0, "W": None})
    assert far == {"accepted": 0, "ignored": 2, "reasons": reasons(ahead=1, no_price=1)}
    returns = await service.learning.observe_returns(now + MINUTE + 1, {"V": 0.1})
    assert returns == {"accepted": 0, "ignored": 1, "reasons": reasons(ahead=1)}
    assert (await service.learning.observe_prices(now, {"V": 1.0}))["accepted"] == 1
    await service.stop()


async def test_a_setting_lets_stamps_be_as_far_ahead_as_a_bar(tmp_path: Path) -> None:
    params = EngineParams(signals=SignalParams(max_ahead_sec=86_400.0))
    service = service_on(tmp_path / "j.db", params)
    await service.start()
    found = await service.learning.observe_prices(now_of(service) + DAY, {"V": 1.0})
    assert found["accepted"] == 1
    await service.stop()


async def test_c02_a_run_of_disbelieved_prices_survives_a_restart_and_is_confirmed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "j.db"
    service = service_on(path, WARY)
    await service.start()
    begun = now_of(service) - DAY
    await service.learning.observe_prices(begun, {"V": 100.0})
    for step in (1, 2):
        found = await service.learning.observe_prices(begun + step * MINUTE, {"V": 1.0})
        assert found["reasons"] == reasons(disbelieved=1)
    before = service.beliefs.market.export()
    await service.stop()
    again = service_on(path, WARY)
    await again.start()
    assert again.beliefs.market.export() == before
    found = await again.learning.observe_prices(begun + 3 * MINUTE, {"V": 1.0})
    assert found["accepted"] == 1
    assert again.beliefs.market.last_price("V") == 1.0
    assert again.beliefs.market.count("V") == 0
    await again.stop()


async def test_c19_an_outcome_of_sixty_sigmas_is_refused_with_the_reason(tmp_path: Path) -> None:
    service = service_on(tmp_path / "j.db", EngineParams())
    await service.start()
    absurd = Outcome("V", 3.0, strategy_id="st", predicted_return=0.0002, predicted_volatility=0.05)
    report = await service.learning.record_outcomes([absurd])
    assert report["accepted"] == 0
    assert report["rejected"][0]["reason"].endswith("the limit is 20: percent for a fraction?")
    assert records_view(service.beliefs) == {}
    telemetry = service.world.telemetry
    assert isinstance(telemetry, FakeTelemetry)
    assert "noticed outcome_refused 1" in telemetry.calls
    decision = (await service.allocate(batch_of(0))).answer["decision_id"]
    report = await service.learning.record_outcomes([Outcome("V", 3.0, decision)])
    assert (report["accepted"], len(report["rejected"])) == (0, 1)
    report = await service.learning.record_outcomes([Outcome("V", 0.03, decision)])
    assert report == {"accepted": 1, "duplicates": 0, "rejected": []}
    await service.stop()


async def test_a_believed_move_half_as_large_vouches_for_an_outcome(tmp_path: Path) -> None:
    service = service_on(tmp_path / "j.db", EngineParams())
    await service.start()
    decision = (await service.allocate(batch_of(0))).answer["decision_id"]
    clock = service.world.clock
    assert isinstance(clock, FakeClock)
    clock.advance(3600.0)
    await service.learning.observe_prices(now_of(service), {"V": 159.0})
    report = await service.learning.record_outcomes([Outcome("V", 1.2, decision)])
    assert report["accepted"] == 0
    clock.advance(1.0)
    await service.learning.observe_prices(now_of(service), {"V": 161.0})
    report = await service.learning.record_outcomes([Outcome("V", 1.2, decision)])
    assert report["accepted"] == 1
    # it counts as five claimed volatilities
    assert records_view(service.beliefs)["st"]["mean_outcome"] == pytest.approx(5.0)
    await service.stop()


async def test_against_a_stand_in_a_return_below_a_half_is_never_refused(tmp_path: Path) -> None:
    service = service_on(
        tmp_path / "j.db", EngineParams(market=MarketParams(default_volatility=0.01))
    )
    await service.start()
    decision = (await service.allocate(batch_of(0, sigma=None))).answer["decision_id"]
    report = await service.learning.record_outcomes([Outcome("V", 0.5, decision)])
    assert report["accepted"] == 0
    report = await service.learning.record_outcomes([Outcome("V", 0.49, decision)])
    assert report["accepted"] == 1
    await service.stop()


async def test_two_outcomes_of_one_day_are_one_observation(tmp_path: Path) -> None:
    service = service_on(tmp_path / "j.db", EngineParams())
    await service.start()
    for step in range(2):
        decision = (await service.allocate(batch_of(step))).answer["decision_id"]
        await service.learning.record_outcomes([Outcome("V", 0.01 + 0.02 * step, decision)])
    record = records_view(service.beliefs)["st"]
    assert (record["outcomes"], record["observations"]) == (2, 1)
    assert record["mean_outcome"] == pytest.approx(0.02 / 0.05)
    await service.stop()


async def test_a_withdrawn_outcome_may_be_posted_once_more_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    service = service_on(path, EngineParams())
    await service.start()
    decision = (await service.allocate(batch_of(0))).answer["decision_id"]
    pair = (decision, "V")
    await service.learning.record_outcomes([Outcome("V", 0.03, decision)])
    withdrawn = await service.learning.withdraw_outcomes([pair, ("none", "V")], "wrong", "ann")
    assert withdrawn == {"withdrawn": 1, "unknown": 1}
    assert records_view(service.beliefs) == {}
    assert service.beliefs.performance.report()["baseline"]["trades"] == 0
    again = await service.learning.withdraw_outcomes([pair], "wrong", "ann")
    assert again == {"withdrawn": 0, "unknown": 1}
    await service.stop()
    service = service_on(path, EngineParams())
    await service.start()
    report = await service.learning.record_outcomes([Outcome("V", -0.02, decision)] * 2)
    assert (report["accepted"], report["duplicates"]) == (1, 1)
    assert records_view(service.beliefs)["st"]["mean_outcome"] == pytest.approx(-0.4)
    await service.stop()
    service = service_on(path, EngineParams())
    await service.start()
    report = await service.learning.record_outcomes([Outcome("V", -0.02, decision)])
    assert report["duplicates"] == 1
    await service.stop()
    assert_replays(path, 1)


async def test_outcomes_of_a_key_are_kept_with_what_they_taught(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    service = service_on(path, EngineParams())
    await service.start()
    claim = IdempotencyClaim("ann", "k", "digest")
    await service.learning.record_outcomes([Outcome("V", 0.1, used_rl=True)], claim=claim)
    stored = await service.stored_answer("ann", "k")
    assert stored is not None
    assert stored.body == b'{"accepted":1,"duplicates":0,"rejected":[]}'
    await service.learning.record_outcomes([], claim=replace(claim, key="empty"))
    assert await service.stored_answer("ann", "empty") is not None
    await service.stop()
