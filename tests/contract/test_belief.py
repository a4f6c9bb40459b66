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
from tests.contract.engine import Answer, Engine, run
from tests.contract.requests import SHORTS, request, signal
from tests.contract.strategies import NOW

DAY = 86_400 * 10**9
SECOND = 10**9
HALVES = EngineParams(brakes=BrakeParams(price_jump_from=0.5))
EXIT = CascadeIndicators(0.01, -0.5, 20.0, 1.0, 5.0)
SELL, HOLD = Action.SELL, Action.HOLD


def knowing(params: EngineParams | None = None, at_ns: int = NOW - DAY, **prices: float) -> Engine:
    engine = Engine(params)
    run(engine.service.learning.observe_prices(at_ns, prices))
    return engine


def entry(answer: Answer, symbol: str = "AAA") -> dict[str, Any]:
    found: dict[str, Any] = next(p for p in answer["positions"] if p["symbol"] == symbol)
    return found


def words(answer: Answer) -> set[tuple[str, str | None]]:
    return {(notice["what"], notice["symbol"]) for notice in answer["notices"]}


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
    assert engine.service.beliefs.records.summary() == {}


def _outcome(decision_id: str) -> Outcome:
    return Outcome(symbol="AAA", realized_return=0.01, decision_id=decision_id)


def test_c05_an_airdropped_token_without_a_price_blocks_no_exit() -> None:
    held = {"BTC": 50.0, "AIRDROP": 1e6}
    answer = Engine().allocate(request(cascade=EXIT, prices={"BTC": 100.0}, positions=held))
    assert answer["allocations"] == {"AIRDROP": 0.0, "BTC": 0.0}
    token = entry(answer, "AIRDROP")
    assert (token["trade_quantity"], token["trade_usd"], token["set_apart"]) == (-1e6, None, False)


def test_flatten_needs_no_price() -> None:
    engine = Engine()
    halt = engine.service.operating.set_trading_state
    run(halt(TradingState.HALTED, "flood", "risk", flatten=True))
    answer = engine.allocate(request(signal(), positions={"XXX": 2.0}))
    assert entry(answer, "XXX")["trade_quantity"] == -2.0


def test_c07_a_token_without_a_price_keeps_no_other_symbol_from_being_sold() -> None:
    held = {"BTC": 50.0, "AIRDROP": 1e6}
    sell = signal("BTC", SELL)
    answer = Engine().allocate(request(sell, prices={"BTC": 100.0}, positions=held))
    assert answer["allocations"] == {"BTC": 0.0}
    assert entry(answer, "AIRDROP")["set_apart"]
    assert ("set_apart", "AIRDROP") in words(answer)


@pytest.mark.parametrize("quote", [0.0, None, -1.0])
def test_c08_a_quote_of_a_halted_coin_is_no_price_of_that_symbol_and_the_rest_is_sized(
    quote: float | None,
) -> None:
    both = (signal("A"), signal("B"))
    answer = Engine().allocate(request(*both, prices={"A": quote, "B": 10.0}))
    assert {*answer["allocations"]} == {"B"}
    assert answer["allocations"]["B"] > 0.0
    assert [e["symbol"] for e in answer["rejected_signals"]] == ["A"]
    assert ("price_missing", "A") in words(answer)


def test_c09_a_sell_closes_at_the_last_known_price() -> None:
    engine = knowing(BTC=100.0)
    sell = signal("BTC", SELL)
    answer = engine.allocate(request(sell, prices={"ETH": 5.0}, positions={"BTC": 50.0}))
    assert answer["rejected_signals"] == []
    position = entry(answer, "BTC")
    assert position["trade_quantity"] == -50.0
    assert (position["price_source"], position["price_age_sec"]) == ("last", 86_400.0)
    assert ("price_last", "BTC") in words(answer)


def test_a_sell_without_any_price_closes() -> None:
    answer = Engine().allocate(request(signal("X", SELL), prices={}, positions={"X": 50.0}))
    assert answer["rejected_signals"] == []
    assert entry(answer, "X")["trade_quantity"] == -50.0
    assert (entry(answer, "X")["price"], entry(answer, "X")["trade_usd"]) == (None, None)


def test_a_buy_without_any_price_closes_a_short() -> None:
    engine = Engine(SHORTS)
    answer = engine.allocate(request(signal("X"), prices={}, positions={"X": -5.0}))
    assert entry(answer, "X")["trade_quantity"] == 5.0


@pytest.mark.parametrize("halted", [False, True])
def test_what_is_left_standing_against_its_signal_without_a_price_says_so(
    halted: bool,  # noqa: FBT001 - a case
) -> None:
    engine = Engine()
    signals = [signal("X", SELL)]
    if halted:
        engine.trade(TradingState.HALTED)
    else:
        signals.append(signal("X", strategy_id="trend"))
    answer = engine.allocate(request(*signals, prices={}, positions={"X": 50.0}))
    assert entry(answer, "X")["set_apart"]
    reason = answer["rejected_signals"][0]["reason"]
    assert reason == ("no usable price in current_prices: its position stays open against it")
    assert ("left_standing", "X") in words(answer)


def test_c11_a_position_at_a_price_of_ten_days_ago_is_set_apart_and_says_why() -> None:
    engine = Engine()
    for day in range(30):
        at = NOW - (39 - day) * DAY
        run(engine.service.learning.observe_prices(at, {"AAA": 100.0 + day}))
    hold = signal(action=HOLD)
    answer = engine.allocate(request(hold, prices={}, positions={"AAA": 50.0}))
    assert entry(answer)["set_apart"]
    assert answer["set_apart_usd"] == 50.0 * 129.0
    assert "too old" in answer["rejected_signals"][0]["reason"]


def test_a_sell_whose_stamp_is_rejected_closes_all_the_same() -> None:
    late = signal(action=SELL, timestamp_ns=NOW + DAY)
    answer = Engine().allocate(
        request(late, positions={"AAA": 50.0}, stamps_until_ns=NOW + 60 * SECOND)
    )
    assert answer["allocations"] == {"AAA": 0.0}
    (rejected,) = answer["rejected_signals"]
    assert rejected["reason"] == (
        "timestamp_ns is 86400 s ahead of the clock, at most 60 s are taken: its position is "
        "closed all the same"
    )
    assert ("stamp_ahead", "AAA") in words(answer)


def test_a_signal_that_is_too_old_closes_all_the_same() -> None:
    params = EngineParams(trading=replace(EngineParams().trading, max_signal_age_sec=60.0))
    old = signal(action=SELL, timestamp_ns=NOW - DAY)
    answer = Engine(params).allocate(request(old, positions={"AAA": 50.0}))
    assert answer["allocations"] == {"AAA": 0.0}


def test_a_rejected_sell_does_not_close_beside_a_buy_that_counts() -> None:
    late = signal(action=SELL, timestamp_ns=NOW + DAY, strategy_id="trend")
    answer = Engine().allocate(
        request(late, signal(), positions={"AAA": 50.0}, stamps_until_ns=NOW + 60 * SECOND)
    )
    assert answer["allocations"]["AAA"] > 5_000.0


def test_a_halt_keeps_a_sell_from_closing_whatever_its_price() -> None:
    engine = knowing(HALVES, AAA=100.0)
    engine.trade(TradingState.HALTED)
    sell = signal(action=SELL)
    answer = engine.allocate(request(sell, prices={"AAA": 1.0}, positions={"AAA": 50.0}))
    assert entry(answer)["trade_quantity"] == 0.0
    (part,) = [p for p in entry(answer)["contributions"] if p["final_usd"]]
    assert part["strategy_id"] is None


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


@given(
    price=st.sampled_from((None, 0.0, 1.0, 100.0, 1e9)),
    units=st.sampled_from((50.0, -50.0)),
    late=st.booleans(),
    known=st.booleans(),
    state=st.sampled_from((TradingState.ACTIVE, TradingState.REDUCING)),
)
def test_every_position_can_be_brought_to_zero(
    price: float | None,
    units: float,
    late: bool,  # noqa: FBT001 - drawn
    known: bool,  # noqa: FBT001 - drawn
    state: TradingState,
) -> None:
    def fresh() -> Engine:
        engine = knowing(SHORTS, AAA=100.0) if known else Engine(SHORTS)
        engine.trade(state)
        return engine

    at = NOW + DAY if late else NOW
    against = signal(
        action=SELL if units > 0.0 else Action.BUY, timestamp_ns=at, expected_return=0.0
    )
    fields: dict[str, Any] = {
        "prices": {"AAA": price},
        "positions": {"AAA": units},
        "stamps_until_ns": NOW + 60 * SECOND,
    }
    assert entry(fresh().allocate(request(against, **fields)))["trade_quantity"] == -units
    assert entry(fresh().allocate(request(cascade=EXIT, **fields)))["trade_quantity"] == -units
    halted = fresh()
    halt = halted.service.operating.set_trading_state
    run(halt(TradingState.HALTED, "flood", "risk", flatten=True))
    assert entry(halted.allocate(request(**fields)))["trade_quantity"] == -units


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
