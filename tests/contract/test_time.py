"""Decisions count time, not requests: cascade, horizons and slow trading over many batches."""

from dataclasses import replace
from typing import Any, Final

import pytest

from app.core.params import BrakeParams, EngineParams, MarketParams, TradingParams
from app.core.types import Batch, CascadeIndicators, Outcome
from app.pipeline.what_if import Changes
from tests.contract.engine import Answer, Engine
from tests.contract.requests import request, signal
from tests.contract.strategies import CALM, CLOSING, NOW, QUARTERING
from tests.fakes import FakeJournal

SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
# 0.20 + 0.25 + 0.15 + 0.25 x: scores of 0.79 and 0.81
BELOW: Final = CascadeIndicators(0.01, -0.3, 10.0, 0.76, 0.0)
ABOVE: Final = CascadeIndicators(0.01, -0.3, 10.0, 0.84, 0.0)
FLAT: Final[dict[str, float]] = {}


def at(seconds: float, **changed: Any) -> Batch:
    """Request with one signal so many seconds later."""
    stamp = NOW + round(seconds * SECOND)
    return request(signal(timestamp_ns=stamp), **{"received_ns": stamp, **changed})


def units(answer: Answer) -> dict[str, float]:
    """Positions of somebody who trades what he is told."""
    return {entry["symbol"]: entry["target_quantity"] for entry in answer["positions"]}


def traded_usd(answer: Answer) -> float:
    return sum((abs(float(entry["trade_usd"])) for entry in answer["positions"]), 0.0)


@pytest.mark.parametrize("every", [1, 30, 60, 600])
def test_a_score_that_flaps_beside_a_threshold_trades_nothing(every: int) -> None:
    engine = Engine()
    held = units(engine.allocate(at(-every, cascade=QUARTERING, positions=FLAT)))
    assert held["AAA"] > 0.0
    trades = []
    for step in range(20):
        cascade = ABOVE if step % 2 == 0 else BELOW
        answer = engine.allocate(at(every * step, cascade=cascade, positions=held))
        assert answer["cascade"]["risk_score"] == pytest.approx(0.81 if step % 2 == 0 else 0.79)
        assert answer["cascade"]["recommendation"] == "EXIT"
        trades.append(traded_usd(answer))
        held = units(answer)
    # out once, and never in again
    assert trades[0] > 0.0
    assert trades[1:] == [0.0] * 19


def test_the_answer_says_what_is_in_force_and_what_the_score_alone_says() -> None:
    engine = Engine()
    engine.allocate(at(0, cascade=CLOSING))
    answer = engine.allocate(at(60))
    cascade = answer["cascade"]
    assert (cascade["risk_score"], cascade["score_recommendation"]) == (0.0, "MONITOR")
    assert cascade["recommendation"] == "EXIT"
    assert answer["allocations"] == {"AAA": 0.0}


def test_a_signal_that_is_rejected_still_tells_the_batchs_time() -> None:
    engine = Engine()
    engine.allocate(at(0, cascade=CLOSING))
    in_force = []
    for minute in (1, 2, 3):
        stamp = NOW + minute * MINUTE
        batch = request(signal("CCC", timestamp_ns=stamp), received_ns=NOW, prices={})
        answer = engine.allocate(replace(batch, cascade=CALM))
        assert len(answer["rejected_signals"]) == 1
        in_force.append(answer["cascade"]["recommendation"])
    assert in_force == ["EXIT", "EXIT", "MONITOR"]


def test_a_batch_without_signals_counts_at_its_receipt() -> None:
    engine = Engine()
    engine.allocate(at(0, cascade=CLOSING))
    answers = [engine.allocate(request(received_ns=NOW + n * MINUTE)) for n in (1, 2, 3)]
    assert [a["cascade"]["recommendation"] for a in answers] == ["EXIT", "EXIT", "MONITOR"]


@pytest.mark.parametrize("claimed", [True, False])
def test_the_same_bet_said_in_hours_or_in_days_gets_the_same_size(*, claimed: bool) -> None:
    # as a fresh engine and one that has learnt see it
    days: dict[str, Any] = {"expected_return": 0.001, "predicted_volatility": 0.0632}
    hours: dict[str, Any] = {"expected_return": 0.001 / 24, "horizon_sec": 3_600.0}
    hours["predicted_volatility"] = 0.0632 / 24**0.5
    dropped: dict[str, Any] = {} if claimed else {"predicted_volatility": None}
    for outcomes in (0, 25):
        engines = [Engine(), Engine()]
        for engine in engines:
            taught = [
                Outcome("AAA", 0.01 * (-1) ** n, None, None, "mean", 0.001, 0.05)
                for n in range(outcomes)
            ]
            engine.record(taught)
        usd = [
            engine.allocate(request(signal(**said | dropped)))["allocations"]["AAA"]
            for engine, said in zip(engines, (days, hours), strict=True)
        ]
        # below the position limit, which would make them equal anyhow
        assert 0.0 < usd[0] < 14_000.0
        assert usd[1] == pytest.approx(usd[0])


def test_outcomes_of_an_hourly_bet_are_parts_of_an_observation() -> None:
    engine = Engine()
    for step in range(24):
        stamp = NOW + 3_600 * SECOND * step
        one = signal(timestamp_ns=stamp, horizon_sec=3_600.0, expected_return=1e-4)
        answer = engine.allocate(request(one, received_ns=stamp))
        engine.record([Outcome("AAA", 0.001, answer["decision_id"])])
    record = engine.service.showing.state()["strategies"]["mean"]
    assert record["outcomes"] == 24
    # each ages those before it by an hour's weight
    assert record["observations"] == pytest.approx(1.0, abs=2e-3)
    # 0.001 over 0.0632 in an hour is the root of 24 as much in a day
    assert record["mean_outcome"] == pytest.approx(0.001 / 0.0632 * 24**0.5)


def test_a_volatility_target_sees_claims_of_several_horizons_as_one() -> None:
    params = EngineParams(
        brakes=BrakeParams(volatility_target=0.001), market=MarketParams(prior_correlation=0.0)
    )
    day, hour = signal(), signal("BBB", predicted_volatility=0.0632 / 24**0.5, horizon_sec=3_600.0)
    hour = replace(hour, expected_return=0.002 / 24)
    usd = Engine(params).allocate(request(day, hour))["allocations"]
    assert usd["AAA"] == pytest.approx(usd["BBB"])
    # two independent bets of 0.0632 a day each
    assert usd["AAA"] == pytest.approx(100_000.0 * 0.001 / (0.0632 * 2**0.5))


DAYS: Final = 86_400 * SECOND
HALF_A_DAY: Final = EngineParams(trading=TradingParams(rebalance_half_life_sec=43_200.0))


def followed(every_sec: int, until_sec: int) -> float:
    """USD held by somebody who asks at a pace and trades what he is told."""
    engine, held, usd = Engine(HALF_A_DAY), FLAT, 0.0
    for seconds in range(0, until_sec + 1, every_sec):
        answer = engine.allocate(at(seconds, positions=held))
        held, usd = units(answer), float(answer["allocations"]["AAA"])
    return usd


def test_the_first_decision_of_a_symbol_moves_as_after_the_horizon() -> None:
    aim = Engine().allocate(at(0))["allocations"]["AAA"]
    # two half-lives a day
    assert followed(3_600, 0) == pytest.approx(0.75 * aim)


@pytest.mark.parametrize("every_sec", [60 * 60, 6 * 60 * 60, 24 * 60 * 60])
def test_with_a_half_life_the_pace_of_asking_does_not_matter(every_sec: int) -> None:
    aim = Engine().allocate(at(0))["allocations"]["AAA"]
    assert followed(every_sec, 86_400) == pytest.approx(aim * (1.0 - 0.25**2))


def test_with_a_half_life_asking_again_at_once_moves_nothing() -> None:
    engine = Engine(HALF_A_DAY)
    held = units(engine.allocate(at(0, positions=FLAT)))
    assert traded_usd(engine.allocate(at(0, positions=held))) == 0.0


def test_with_a_half_life_dry_runs_take_no_time() -> None:
    engine, other = Engine(HALF_A_DAY), Engine(HALF_A_DAY)
    held = units(engine.allocate(at(0, positions=FLAT)))
    other.allocate(at(0, positions=FLAT))
    engine.allocate(at(3_000, positions=held), dry_run=True)
    later = at(3_600, positions=held)
    assert engine.allocate(later)["allocations"] == other.allocate(later)["allocations"]


def test_a_half_life_without_positions_is_warned_of() -> None:
    (notice,) = Engine(HALF_A_DAY).allocate(at(0))["notices"]
    assert notice["what"] == "span_without_positions"
    assert "REBALANCE_HALF_LIFE_SEC" in notice["detail"]


def test_dry_runs_and_what_if_ease_nothing() -> None:
    engine = Engine()
    engine.allocate(at(0, cascade=CLOSING))
    before = engine.beliefs()
    for step in range(1, 6):
        engine.allocate(at(60 * step), dry_run=True)
        engine.service.what_if(at(60 * step), Changes())
    assert engine.beliefs() == before
    assert engine.allocate(at(360))["cascade"]["recommendation"] == "EXIT"


def test_what_is_in_force_comes_back_from_the_journal() -> None:
    journal = FakeJournal()
    engine = Engine(journal=journal)
    for seconds, cascade in ((0, CLOSING), (60, CALM), (120, CALM)):
        engine.allocate(at(seconds, cascade=cascade))
    again = Engine(journal=FakeJournal(list(journal.events)))
    assert again.beliefs() == engine.beliefs()
    assert again.allocate(at(150))["cascade"]["recommendation"] == "EXIT"
    assert again.allocate(at(180))["cascade"]["recommendation"] == "MONITOR"
