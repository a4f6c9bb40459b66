"""Standing signals: layers that post on their own are netted and limited together."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.params import EngineParams, LimitParams, MarketParams, SignalParams, TradingParams
from app.core.types import Action, FallbackReason, Outcome, Regime, Signal
from app.pipeline.views import records_view
from app.pipeline.what_if import Changes
from tests.contract.engine import Answer, Engine, run
from tests.contract.requests import phase1_usd, request, signal
from tests.contract.strategies import NOW

STANDING = EngineParams(
    signals=SignalParams(standing=True), market=MarketParams(prior_correlation=0.0)
)
BOTH_SIDES = replace(STANDING, limits=LimitParams(allow_short=True))
SEC = 10**9
DAY = 86_400 * SEC
NAMES = ("AAA", "BBB", "CCC", "DDD")
PRICES = dict.fromkeys(NAMES, 100.0)


def post(engine: Engine, *signals: Signal, **changed: Any) -> Answer:
    """Post one batch with the prices of every symbol."""
    return engine.allocate(request(*signals, **{"prices": PRICES, **changed}))


def owners(answer: Answer, symbol: str) -> dict[str, float]:
    """USD by strategy on one symbol."""
    found = next(p for p in answer["positions"] if p["symbol"] == symbol)
    return {part["strategy_id"]: part["final_usd"] for part in found["contributions"]}


def standing_of(engine: Engine) -> list[tuple[str, str]]:
    """Strategy and symbol of each signal in force."""
    found = engine.service.standing.in_force()["signals"]
    return [(one["strategy_id"], one["symbol"]) for one in found]


def test_off_a_signal_is_forgotten_with_its_batch() -> None:
    engine = Engine()
    post(engine, signal())
    assert post(engine, signal("BBB"))["allocations"].keys() == {"BBB"}
    assert standing_of(engine) == []


def test_signals_of_other_strategies_and_symbols_stay_in_force() -> None:
    engine = Engine(STANDING)
    post(engine, signal(), signal("BBB"))
    answer = post(engine, signal("CCC", strategy_id="trend"))
    assert answer["allocations"].keys() == {"AAA", "BBB", "CCC"}
    assert owners(answer, "AAA") == {"mean": pytest.approx(phase1_usd(signal()))}
    assert standing_of(engine) == [("mean", "AAA"), ("mean", "BBB"), ("trend", "CCC")]


def test_two_layers_that_post_separately_are_netted() -> None:
    engine = Engine(BOTH_SIDES)
    post(engine, signal(strategy_id="trend"))
    against = signal(action=Action.SELL, strategy_id="reversal")
    assert post(engine, against)["allocations"] == {"AAA": 0.0}
    # without standing signals the second would have turned the position
    assert post(Engine(replace(BOTH_SIDES, signals=SignalParams())), against)["allocations"] == {
        "AAA": pytest.approx(-phase1_usd(against))
    }


def test_a_later_batch_replaces_only_the_pairs_it_names() -> None:
    engine = Engine(STANDING)
    post(engine, signal(), signal(confidence=0.2), signal("BBB"))
    assert standing_of(engine) == [("mean", "AAA"), ("mean", "AAA"), ("mean", "BBB")]
    half = signal(confidence=0.4)
    answer = post(engine, half)
    assert standing_of(engine) == [("mean", "AAA"), ("mean", "BBB")]
    assert answer["allocations"]["AAA"] == pytest.approx(phase1_usd(half))
    assert answer["allocations"]["BBB"] == pytest.approx(phase1_usd(signal("BBB")))


def test_an_empty_batch_sizes_what_stands_and_is_empty_only_where_nothing_does() -> None:
    engine = Engine(STANDING)
    first = post(engine)
    assert (first["fallback_reason"], first["allocations"]) == ("empty_batch", {})
    post(engine, signal())
    sized = post(engine)
    assert sized["fallback_reason"] == "rl_disabled"
    assert sized["allocations"] == {"AAA": pytest.approx(phase1_usd(signal()))}


def test_hold_ends_what_stood_and_counts_as_hold_once() -> None:
    engine = Engine(STANDING)
    post(engine, signal())
    hold = signal(action=Action.HOLD)
    kept = post(engine, hold, positions={"AAA": 20.0})
    assert kept["allocations"] == {"AAA": 2_000.0}
    assert owners(kept, "AAA") == {"mean": 2_000.0}
    assert standing_of(engine) == []
    assert post(engine)["allocations"] == {}
    # the position stays that of its owner
    assert owners(post(engine, positions={"AAA": 20.0}), "AAA") == {"mean": 2_000.0}


def test_a_signal_ends_after_its_own_time_or_that_of_the_setting() -> None:
    engine = Engine(STANDING)
    post(engine, signal(), signal("BBB", valid_for_sec=60.0))
    for later, names in ((60 * SEC, {"AAA", "BBB"}), (60 * SEC + 1, {"AAA"}), (DAY, {"AAA"})):
        assert post(engine, received_ns=NOW + later)["allocations"].keys() == names
    assert post(engine, received_ns=NOW + DAY + 1)["fallback_reason"] == "empty_batch"


def test_its_time_never_refuses_a_signal() -> None:
    engine = Engine(STANDING)
    old = signal(timestamp_ns=NOW - 10 * DAY, valid_for_sec=0.0)
    assert post(engine, old)["allocations"] == {"AAA": pytest.approx(phase1_usd(old))}
    assert post(engine)["fallback_reason"] == "empty_batch"


def test_a_stamp_ahead_of_the_clock_counts_as_now() -> None:
    engine = Engine(STANDING)
    ahead = signal(timestamp_ns=NOW + 30 * SEC, valid_for_sec=10.0)
    post(engine, ahead, stamps_until_ns=NOW + 60 * SEC)
    assert post(engine, received_ns=NOW + 10 * SEC)["allocations"].keys() == {"AAA"}
    assert post(engine, received_ns=NOW + 11 * SEC)["allocations"] == {}


def test_a_rejected_signal_neither_stands_nor_ends_what_stood() -> None:
    engine = Engine(STANDING)
    post(engine, signal())
    ahead = signal(action=Action.SELL, timestamp_ns=NOW + 90 * SEC)
    answer = post(engine, ahead, signal("ZZZ"), stamps_until_ns=NOW + 60 * SEC)
    assert [entry["index"] for entry in answer["rejected_signals"]] == [0, 1]
    assert answer["allocations"] == {"AAA": pytest.approx(phase1_usd(signal()))}
    assert standing_of(engine) == [("mean", "AAA")]


def test_a_standing_signal_without_a_price_is_set_aside_and_not_ended() -> None:
    engine = Engine(STANDING)
    post(engine, signal(), signal("ZZZ", strategy_id="trend"), prices={**PRICES, "ZZZ": 100.0})
    later = {"received_ns": NOW + 5 * DAY}
    run(engine.service.learning.observe_prices(NOW, {"AAA": 100.0}))
    patient = signal("ZZZ", strategy_id="trend", valid_for_sec=30.0 * 86_400)
    post(engine, patient, prices={**PRICES, "ZZZ": 100.0})
    fresh = signal("BBB", timestamp_ns=NOW + 5 * DAY)
    answer = post(engine, fresh, **later)
    assert answer["rejected_signals"] == []
    assert answer["allocations"].keys() == {"BBB"}
    aside = [warning for warning in answer["warnings"] if "set aside" in warning]
    assert len(aside) == 1
    assert aside[0].startswith("trend/ZZZ stands and is set aside: no usable price")
    assert ("trend", "ZZZ") in standing_of(engine)
    back = post(engine, fresh, prices={**PRICES, "ZZZ": 100.0}, **later)
    assert back["allocations"].keys() == {"BBB", "ZZZ"}


def test_a_standing_sell_closes_a_position_that_has_no_price() -> None:
    engine = Engine(STANDING)
    post(engine, signal("ZZZ", Action.SELL), prices={"ZZZ": 100.0})
    long_after = NOW + 5 * DAY
    post(engine, signal("ZZZ", Action.SELL, valid_for_sec=1e9), prices={"ZZZ": 100.0})
    fresh = signal(timestamp_ns=long_after)
    answer = post(engine, fresh, received_ns=long_after, positions={"ZZZ": 3.0})
    assert answer["allocations"]["ZZZ"] == 0.0


def test_limits_hold_for_layers_that_post_separately() -> None:
    engine = Engine(STANDING)
    for name in NAMES:
        answer = post(engine, signal(name, expected_return=0.02))
    assert answer["total_allocated_usd"] == pytest.approx(40_000.0)
    assert answer["allocations"] == dict.fromkeys(NAMES, pytest.approx(10_000.0))


def test_an_outcome_teaches_every_signal_of_the_full_set_once_a_period() -> None:
    engine = Engine(STANDING)
    post(engine, signal())
    for _ in range(3):
        answer = post(engine, signal("BBB", strategy_id="trend"))
        engine.record([
            Outcome(name, 0.01, answer["decision_id"]) for name in ("AAA", "BBB")
        ])  # fmt: skip
    told = records_view(engine.service.beliefs)
    assert {name: record["outcomes"] for name, record in told.items()} == {"mean": 3, "trend": 3}
    assert {record["observations"] for record in told.values()} == {1.0}


def test_the_journal_has_the_full_set_that_a_decision_used() -> None:
    engine = Engine(STANDING)
    post(engine, signal(), signal("BBB", Action.SELL, strategy_id="trend"))
    answer = post(engine, signal("CCC"))
    stored = run(engine.service.showing.decision_trace(answer["decision_id"]))
    assert [one["symbol"] for one in stored["request"]["signals"]] == ["CCC"]
    assert [one["symbol"] for one in stored["request"]["standing"]] == ["AAA", "BBB"]
    assert [row["signal"]["symbol"] for row in stored["signals"]] == ["AAA", "BBB", "CCC"]


def test_a_dry_run_and_what_if_see_what_stands_and_keep_nothing() -> None:
    engine = Engine(STANDING)
    post(engine, signal())
    before = engine.beliefs()
    other = request(signal("BBB"), prices=PRICES)
    assert engine.allocate(other, dry_run=True)["allocations"].keys() == {"AAA", "BBB"}
    assert engine.service.what_if(other, Changes())["allocations"].keys() == {"AAA", "BBB"}
    nothing = engine.service.what_if(request(prices=PRICES), Changes())
    assert nothing["fallback_reason"] == FallbackReason.RL_DISABLED.value
    assert engine.beliefs() == before


def test_what_an_operator_ends_stands_no_more() -> None:
    engine = Engine(STANDING)
    post(engine, signal(), signal(confidence=0.3), signal("BBB"), signal(strategy_id="trend"))
    end = engine.service.standing.end
    assert run(end("mean", "AAA", None, "test")) == {"ended": 2}
    assert standing_of(engine) == [("trend", "AAA"), ("mean", "BBB")]
    assert run(end("mean", "AAA", None, "test")) == {"ended": 0}
    assert run(end("mean", None, None, "test")) == {"ended": 1}
    assert post(engine)["allocations"].keys() == {"AAA"}


def day_signals() -> st.SearchStrategy[list[Signal]]:
    """Directional signals of one moment, each strategy at most once a symbol."""
    one = st.builds(
        signal,
        symbol=st.sampled_from(NAMES),
        action=st.sampled_from([Action.BUY, Action.STRONG_BUY, Action.SELL]),
        strategy_id=st.sampled_from(["flow", "mean", "trend"]),
        confidence=st.floats(0.1, 1.0),
        expected_return=st.none() | st.floats(-0.01, 0.05),
        predicted_volatility=st.floats(0.01, 0.2),
        regime=st.just(Regime.RANGING),
    )
    return st.lists(one, min_size=1, max_size=8, unique_by=lambda s: (s.symbol, s.strategy_id))


@given(
    signals=day_signals(),
    cuts=st.lists(st.integers(0, 8), max_size=4),
    held=st.dictionaries(st.sampled_from(NAMES), st.floats(-200.0, 200.0), max_size=3),
    shorts=st.booleans(),
    span=st.sampled_from([0.0, 5.0]),
)
def test_one_batch_or_one_by_one_ends_in_the_same_targets(
    signals: list[Signal],
    cuts: list[int],
    held: dict[str, float],
    shorts: bool,  # noqa: FBT001 - drawn
    span: float,
) -> None:
    params = replace(
        STANDING,
        limits=LimitParams(allow_short=shorts),
        trading=TradingParams(rebalance_span=span),
    )
    whole = post(Engine(params), *signals, positions=held)
    engine = Engine(params)
    bounds = sorted({0, len(signals), *(cut for cut in cuts if cut < len(signals))})
    for start, end in pairwise(bounds):
        last = post(engine, *signals[start:end], positions=held)
    directed = {one.symbol for one in signals}
    assert last["allocations"].keys() == whole["allocations"].keys()
    for symbol in directed:
        assert last["allocations"][symbol] == pytest.approx(
            whole["allocations"][symbol], rel=1e-6, abs=0.5
        )
        assert owners(last, symbol) == pytest.approx(owners(whole, symbol), rel=1e-6, abs=0.5)


@given(st.lists(day_signals(), min_size=1, max_size=5), st.sampled_from([0.25, 0.4]))
def test_limits_hold_whatever_stands(batches: list[list[Signal]], limit: float) -> None:
    engine = Engine(
        replace(STANDING, limits=LimitParams(max_strategy_pct=limit, max_portfolio_pct=0.5))
    )
    for signals in batches:
        answer = post(engine, *signals)
        gross: dict[str, float] = {}
        for position in answer["positions"]:
            assert abs(position["weight"]) <= 0.15 + 1e-6
            total = sum(part["final_usd"] for part in position["contributions"])
            assert total == pytest.approx(position["target_usd"], abs=1e-3)
            for part in position["contributions"]:
                name = part["strategy_id"]
                gross[name] = gross.get(name, 0.0) + abs(part["final_usd"])
        assert all(usd <= 100_000.0 * limit + 0.1 for usd in gross.values())
        assert answer["total_allocated_usd"] <= 50_000.0 + 0.1
