"""Wrong inputs from the reports in cases.md, and what a decision makes of them."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.decision.conclude import conclude
from app.core.decision.draft import draft
from app.core.decision.observe import observe_batch
from app.core.params import BrakeParams, EngineParams
from app.core.types import (
    Action,
    CascadeIndicators,
    FallbackReason,
    Outcome,
    PolicyAnswer,
    TradingState,
)
from app.pipeline.answer import compose
from app.pipeline.views import records_view
from tests.contract.engine import Answer, Engine, run
from tests.contract.requests import DAY, SECOND, SHORTS, entry, knowing, request, signal, words
from tests.contract.strategies import NOW

HALVES = EngineParams(brakes=BrakeParams(price_jump_from=0.5))
EXIT = CascadeIndicators(0.01, -0.5, 20.0, 1.0, 5.0)
SELL, HOLD = Action.SELL, Action.HOLD


def test_c01_a_price_a_hundred_times_too_low_buys_nothing_however_often_it_is_repeated() -> None:
    engine = knowing(HALVES, AAA=100.0)
    for step in range(5):
        answer = engine.allocate(
            request(
                signal(timestamp_ns=NOW + step, expected_return=0.02),
                prices={"AAA": 1.0},
                positions={"AAA": 50.0},
            )
        )
        assert entry(answer)["trade_quantity"] == 0.0
        assert ("price_disbelieved", "AAA") in words(answer)


def test_c02_a_price_that_came_by_the_markets_door_is_not_believed_either() -> None:
    engine = knowing(HALVES, AAA=100.0)
    run(engine.service.learning.observe_prices(NOW - 1, {"AAA": 1.0}))
    buy = signal(expected_return=0.02)
    answer = engine.allocate(request(buy, prices={"AAA": 1.0}, positions={"AAA": 50.0}))
    assert entry(answer)["trade_quantity"] == 0.0


def test_c03_a_position_is_not_sold_on_a_price_a_hundred_times_too_high() -> None:
    engine = knowing(HALVES, AAA=100.0)
    hold = signal(action=HOLD)
    answer = engine.allocate(request(hold, prices={"AAA": 1e4}, positions={"AAA": 90.0}))
    assert entry(answer)["trade_quantity"] == 0.0
    assert entry(answer)["target_usd"] == 9_000.0
    assert (entry(answer)["price"], entry(answer)["price_source"]) == (100.0, "last")


def test_a_price_becomes_believed_when_three_agree_over_a_minute() -> None:
    engine = knowing(HALVES, AAA=100.0)
    bought = []
    for seconds in (0, 30, 60):
        at = NOW + seconds * SECOND
        batch = request(
            signal(timestamp_ns=at), prices={"AAA": 10.0}, received_ns=at, positions={"AAA": 1.0}
        )
        answer = engine.allocate(batch)
        bought.append(entry(answer)["trade_quantity"] > 0.0)
    assert bought == [False, False, True]
    assert ("price_confirmed", "AAA") in words(answer)


def test_limits_hold_at_the_price_that_is_believed() -> None:
    engine = knowing(HALVES, AAA=100.0)
    hold = signal(action=HOLD)
    answer = engine.allocate(request(hold, prices={"AAA": 1.0}, positions={"AAA": 200.0}))
    assert entry(answer)["target_usd"] == pytest.approx(15_000.0)


@pytest.mark.parametrize("params", [HALVES, replace(SHORTS, brakes=HALVES.brakes)])
def test_a_sell_closes_a_position_whose_price_is_not_believed_and_never_goes_through_zero(
    params: EngineParams,
) -> None:
    engine = knowing(params, AAA=100.0)
    sell = signal(action=SELL, expected_return=0.02)
    answer = engine.allocate(request(sell, prices={"AAA": 1.0}, positions={"AAA": 50.0}))
    assert entry(answer)["target_quantity"] == 0.0
    assert entry(answer)["trade_quantity"] == -50.0


def test_a_doubted_symbol_is_not_asked_of_the_policy_and_teaches_nothing() -> None:
    engine = knowing(HALVES, AAA=100.0)
    answer = engine.allocate(request(signal(), prices={"AAA": 1.0}, positions={"AAA": 50.0}))
    assert answer["policy"]["asked"] == 0
    report = engine.record([_outcome(answer["decision_id"])])
    assert report["accepted"] == 1
    assert records_view(engine.service.beliefs) == {}


def _outcome(decision_id: str) -> Outcome:
    return Outcome(symbol="AAA", realized_return=0.01, decision_id=decision_id)


def valued(engine: Engine, value: float, seconds: int, **changed: Any) -> Answer:
    at = NOW + seconds * SECOND
    one = signal(timestamp_ns=at, expected_return=0.02)
    fields = {"positions": {"AAA": 10.0}, **changed}
    return engine.allocate(request(one, portfolio_value=value, received_ns=at, **fields))


def test_c16_a_portfolio_value_a_hundred_times_too_high_lets_nothing_grow() -> None:
    engine = Engine()
    valued(engine, 1e5, 0)
    answer = valued(engine, 1e7, 1)
    assert answer["portfolio_value"] == 1e5
    assert answer["allocations"] == {"AAA": 1_000.0}
    (notice,) = [n for n in answer["notices"] if n["what"] == "value_disbelieved"]
    assert "portfolio value 10000000 is not believed" in notice["detail"]


def test_c16_without_positions_a_value_that_is_not_believed_leaves_symbols_out() -> None:
    engine = Engine()
    valued(engine, 1e5, 0)
    answer = valued(engine, 1e7, 1, positions=None)
    assert answer["allocations"] == {}
    assert any("no target for AAA" in warning for warning in answer["warnings"])


def test_c17_a_wrong_portfolio_value_poisons_neither_peak_nor_day() -> None:
    brakes = BrakeParams(collapse_below=0.5, daily_loss_from=0.1, drawdown_from=0.2)
    engine = Engine(EngineParams(brakes=brakes))
    for seconds, value in enumerate((1e5, 1e7)):
        valued(engine, value, seconds)
    answer = valued(engine, 1e5, 2)
    assert answer["allocations"]["AAA"] == pytest.approx(15_000.0)
    assert engine.service.beliefs.peak_value == 1e5


def test_nothing_is_cut_for_a_portfolio_value_that_is_not_believed() -> None:
    engine = Engine()
    valued(engine, 1e5, 0)
    answer = valued(engine, 1e3, 1, positions={"AAA": 100.0})
    assert entry(answer)["trade_quantity"] == 0.0


def test_a_batch_of_which_nothing_is_newer_than_what_is_known_says_so() -> None:
    engine = Engine()
    engine.allocate(request(signal()))
    answer = engine.allocate(request(signal(timestamp_ns=NOW - 1), prices={"AAA": 101.0}))
    assert ("not_newer", "AAA") in words(answer)
    assert ("not_newer", None) in words(answer)
    assert entry(answer)["price"] == 101.0


def test_pairs_that_take_the_prior_are_told_until_they_are_known() -> None:
    engine = Engine()
    assert ("prior_pairs", None) in words(engine.allocate(request(signal(), signal("BBB"))))
    rows = [{"AAA": 0.01 * (-1) ** row, "BBB": 0.01 * (row % 3 - 1)} for row in range(40)]
    engine.feed_returns(rows, until_ns=NOW + 1)
    later = [signal(name, timestamp_ns=NOW + 2) for name in ("AAA", "BBB")]
    assert words(engine.allocate(request(*later))) == set()


def test_a_symbol_that_the_prior_sizes_zero_is_named() -> None:
    strong, weak = signal(expected_return=0.01), signal("BBB", expected_return=0.0005)
    answer = Engine().allocate(request(strong, weak))
    assert answer["allocations"]["BBB"] == pytest.approx(0.0, abs=1e-6)
    assert ("prior_pairs", "BBB") in words(answer)


def test_a_decision_ends_under_a_halt_that_came_while_the_policy_was_asked() -> None:
    engine = Engine()
    beliefs = engine.service.beliefs
    batch = request(signal(), signal("X", SELL), positions={"AAA": 10.0, "X": 3.0})
    batch = replace(batch, prices={"AAA": 100.0})
    drafted = draft(observe_batch(batch, beliefs, engine.params), beliefs)
    engine.trade(TradingState.HALTED)
    answer = compose(conclude(drafted, PolicyAnswer(reason=FallbackReason.TIMEOUT), beliefs))
    assert answer["allocations"] == {"AAA": 1_000.0}
    assert (answer["trading_state"], answer["control_version"]) == ("HALTED", 1)
    assert entry(answer, "X")["set_apart"]


WRONG = st.sampled_from((1e-3, 1e3, 1e-6, 1e6, 0.0, -1.0, None))


@given(
    steps=st.lists(st.tuples(WRONG, st.sampled_from(tuple(Action)), st.booleans()), max_size=6),
    state=st.sampled_from(TradingState),
    short=st.booleans(),
)
def test_no_decision_of_a_sequence_grows_a_position_on_an_input_that_was_not_believed(
    steps: list[tuple[float | None, Action, bool]],
    state: TradingState,
    short: bool,  # noqa: FBT001 - drawn
) -> None:
    engine = knowing(SHORTS if short else None, AAA=100.0)
    engine.trade(state)
    valued(engine, 1e5, 0)
    for step, (factor, action, value_is_wrong) in enumerate(steps, start=1):
        at = NOW + step
        price = factor if factor is None or factor <= 0.0 else 100.0 * factor
        answer = engine.allocate(
            request(
                signal(action=action, timestamp_ns=at, expected_return=0.02),
                prices={"AAA": price},
                positions={"AAA": 50.0},
                portfolio_value=1e9 if value_is_wrong else 1e5,
            )
        )
        known = price is not None and price > 0.0
        if known or value_is_wrong:
            assert 0.0 <= entry(answer)["target_quantity"] <= 50.0
        assert answer["portfolio_value"] == 1e5
    assert engine.service.beliefs.market.last_price("AAA") == 100.0


def test_a_symbol_that_looks_like_a_known_one_is_sized_and_told() -> None:
    engine = knowing(AAA=100.0)
    answer = engine.allocate(request(signal("aaa")))
    assert answer["allocations"]["aaa"] > 0.0
    assert any("'aaa' looks like 'AAA'" in warning for warning in answer["warnings"])


def test_a_doubted_symbol_of_which_every_signal_was_rejected_has_no_target() -> None:
    engine = knowing(HALVES, AAA=100.0)
    late = signal(timestamp_ns=NOW + DAY)
    batch = request(late, prices={"AAA": 1.0}, stamps_until_ns=NOW + 60 * SECOND)
    answer = engine.allocate(batch)
    assert answer["allocations"] == {}
    assert len(answer["rejected_signals"]) == 1
