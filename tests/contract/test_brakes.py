"""Kill switch and sanity brakes on whole decisions: they only ever reduce, and say why."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import InvalidInput
from app.core.params import BrakeParams, EngineParams
from app.core.types import Action, TradingState
from tests.contract import promises
from tests.contract.engine import Engine, deterministic, run
from tests.contract.requests import SHORTS, request, signal
from tests.contract.strategies import CLOSING, NOW, SYMBOLS, Case, cases

DAY = 86_400 * 1_000_000_000
HALTED, REDUCING, ACTIVE = TradingState.HALTED, TradingState.REDUCING, TradingState.ACTIVE
BOTH = ("allocations", "baseline_allocations")


def braked(**numbers: float) -> EngineParams:
    return EngineParams(brakes=BrakeParams(**numbers))


def with_brakes(case: Case, **numbers: float) -> Case:
    return replace(case, params=replace(case.params, brakes=BrakeParams(**numbers)))


def flatten(engine: Engine) -> None:
    run(engine.service.operating.set_trading_state(HALTED, "flood", "risk", flatten=True))


# -- every brake, any decision -------------------------------------------------------------------


@given(case=cases(), jumped=st.sets(st.sampled_from(SYMBOLS)), factor=st.sampled_from((0.5, 3.0)))
def test_no_position_grows_on_a_price_that_is_not_believed(
    case: Case, jumped: set[str], factor: float
) -> None:
    given_prices = promises.usable(case.batch)
    known = {
        symbol: price * (factor if symbol in jumped else 1.0)
        for symbol, price in given_prices.items()
    }
    engine = with_brakes(case, price_jump_from=0.4).engine()
    run(engine.service.learning.observe_prices(NOW - 1, known))
    answer = engine.allocate(case.batch)
    hit = jumped & given_prices.keys()
    named = {n["symbol"] for n in answer["notices"] if n["what"] == "price_disbelieved"}
    concerned = {one.symbol for one in case.batch.signals} | {*promises.held_units(case.batch)}
    assert named - {None} == hit & concerned
    units = promises.held_units(case.batch)
    for entry in answer["positions"]:
        if entry["symbol"] in hit:
            have = units.get(entry["symbol"], 0.0)
            assert (entry["price"], entry["price_source"]) == (known[entry["symbol"]], "last")
            assert abs(entry["target_quantity"]) <= abs(have) * (1.0 + 1e-12)
            assert entry["target_quantity"] * have >= 0.0


@given(case=cases())
def test_a_loss_decides_exactly_as_the_switch_at_reducing_would(case: Case) -> None:
    brake = {"daily_loss_from": 0.3}
    richer = replace(case.batch, portfolio_value=2.0 * case.batch.portfolio_value)
    engines = [with_brakes(case, **brake).engine(), with_brakes(case).engine()]
    for engine in engines:
        engine.allocate(richer)
    switch = HALTED if case.state is HALTED else REDUCING
    run(engines[1].service.operating.set_trading_state(switch, None, "test"))
    answer, expected = (deterministic(engine.allocate(case.batch)) for engine in engines)
    assert any("may only be reduced" in warning for warning in answer["warnings"])
    for each in (answer, expected):
        # who reduces, and what is said of it, differ
        for name in ("warnings", "notices", "trading_state", "control_version", "settings_hash"):
            del each[name]
    assert answer == expected


@given(case=cases())
def test_flatten_targets_zero_for_every_symbol_whatever_else_is_true(case: Case) -> None:
    engine = case.engine()
    flatten(engine)
    answer = engine.allocate(case.batch)
    symbols = {one.symbol for one in promises.accepted(case, flatten=True)}
    symbols |= {*promises.held_units(case.batch)}
    for name in BOTH:
        assert {*answer[name]} == symbols
        assert not any(answer[name].values())
    assert "trading is HALTED with flatten: every target is zero" in answer["warnings"]


@given(case=cases())
def test_brakes_that_are_off_change_nothing(case: Case) -> None:
    loose = {"daily_loss_from": 0.999, "collapse_below": 1e-9}
    engines = [with_brakes(case).engine(), with_brakes(case, **loose).engine()]
    answers = []
    for engine in engines:
        engine.allocate(case.batch)
        answers.append(deterministic(engine.allocate(case.batch)))
        del answers[-1]["settings_hash"]
    assert answers[0] == answers[1]


# -- single decisions ----------------------------------------------------------------------------


def test_a_doubted_symbol_without_positions_is_left_out_and_the_others_are_sized() -> None:
    engine = Engine(braked(price_jump_from=0.2))
    run(engine.service.learning.observe_prices(NOW - 1, {"AAA": 70.0, "BBB": 99.0}))
    answer = engine.allocate(request(signal(), signal("BBB")))
    assert {*answer["allocations"]} == {*answer["baseline_allocations"]} == {"BBB"}
    assert answer["allocations"]["BBB"] > 0.0
    assert answer["warnings"][-1] == "current_positions was not given: no target for AAA"
    assert engine.allocate(request(signal(), cascade=CLOSING))["allocations"] == {"AAA": 0.0}


def test_a_doubted_symbol_that_is_only_sold_has_a_target_of_zero_even_without_positions() -> None:
    engine = Engine(braked(price_jump_from=0.2))
    run(engine.service.learning.observe_prices(NOW - 1, {"AAA": 70.0}))
    answer = engine.allocate(request(signal(action=Action.SELL)))
    assert answer["allocations"] == {"AAA": 0.0}


def test_c01_a_jump_brakes_until_three_prices_over_a_minute_agree() -> None:
    engine = Engine(braked(price_jump_from=0.2))
    run(engine.service.learning.observe_prices(NOW - 1, {"AAA": 70.0}))

    def target(second: int) -> float:
        at = NOW + second * 10**9
        batch = request(signal(timestamp_ns=at), positions={"AAA": 10.0}, received_ns=at)
        [position] = engine.allocate(batch)["positions"]
        return float(position["target_quantity"])

    assert [target(second) for second in (0, 30, 59)] == [10.0, 10.0, 10.0]
    assert target(60) > 50.0


def test_a_daily_loss_brakes_until_the_utc_day_ends() -> None:
    engine = Engine(braked(daily_loss_from=0.1))

    def bought(value: float, day: int) -> bool:
        at = NOW + day * DAY
        batch = request(
            signal(timestamp_ns=at), portfolio_value=value, received_ns=at, positions={"AAA": 1.0}
        )
        return bool(engine.allocate(batch)["allocations"]["AAA"] > 200.0)

    assert [bought(value, 0) for value in (100_000.0, 95_000.0, 90_000.0, 99_000.0)] == [
        True,
        True,
        False,
        False,
    ]
    assert bought(98_000.0, 1)
    # the day before ended at 98,000
    assert not bought(88_000.0, 2)


def test_a_collapse_brakes_until_the_value_is_back_or_an_operator_rebases() -> None:
    engine = Engine(braked(collapse_below=0.5))

    def bought(value: float) -> bool:
        answer = engine.allocate(request(signal(), portfolio_value=value, positions={"AAA": 1.0}))
        return bool(answer["allocations"]["AAA"] > 200.0)

    assert [bought(value) for value in (100_000.0, 40_000.0, 40_000.0, 60_000.0)] == [
        True,
        False,
        False,
        True,
    ]
    assert not bought(20_000.0)
    run(engine.service.operating.set_trading_state(ACTIVE, "withdrawal", "risk", rebase=True))
    assert bought(20_000.0)


def test_a_drawdown_says_why_sizes_are_smaller() -> None:
    engine = Engine(braked(drawdown_from=0.2, drawdown_multiplier=0.5))
    engine.allocate(request(signal()))
    answer = engine.allocate(request(signal(), portfolio_value=79_000.0))
    assert any("21 % below its peak 100000" in warning for warning in answer["warnings"])
    run(engine.service.operating.set_trading_state(ACTIVE, None, "risk", rebase=True))
    later = request(signal(timestamp_ns=NOW + 1), portfolio_value=79_000.0)
    assert not engine.allocate(later)["warnings"]


def test_flatten_closes_held_positions_with_and_without_signals() -> None:
    engine = Engine(SHORTS)
    flatten(engine)
    held = {"AAA": 20.0, "BBB": -30.0, "CCC": 5.0}
    prices = dict.fromkeys(("AAA", "BBB", "CCC"), 100.0)
    answer = engine.allocate(request(signal(), positions=held, prices=prices))
    assert answer["allocations"] == {"AAA": 0.0, "BBB": 0.0, "CCC": 0.0}
    assert [entry["trade_quantity"] for entry in answer["positions"]] == [-20.0, 30.0, -5.0]


@pytest.mark.parametrize("state", [ACTIVE, REDUCING])
def test_flatten_needs_halted_and_changes_nothing_otherwise(state: TradingState) -> None:
    engine = Engine()
    before = engine.service.operating.trading_state()
    with pytest.raises(InvalidInput) as caught:
        run(engine.service.operating.set_trading_state(state, None, "risk", flatten=True))
    assert [problem.path for problem in caught.value.problems] == ["flatten"]
    assert engine.service.operating.trading_state() == before


def test_the_switch_shows_who_threw_it_and_why() -> None:
    engine = Engine()
    flatten(engine)
    shown = engine.service.operating.trading_state()
    assert shown == {
        "state": "HALTED",
        "reason": "flood",
        "since_ns": NOW,
        "flatten": True,
        "actor": "risk",
        "control_version": 1,
        "portfolio_id": "default",
    }
    assert engine.service.showing.state()["trading_state"] == shown
    run(engine.service.operating.set_trading_state(HALTED, None, "desk"))
    assert not engine.service.operating.trading_state()["flatten"]


def test_a_stale_signal_is_rejected_with_its_age() -> None:
    params = EngineParams(trading=replace(EngineParams().trading, max_signal_age_sec=60.0))
    old = signal(timestamp_ns=NOW - 61 * 10**9)
    answer = Engine(params).allocate(request(old, signal("BBB")))
    assert {*answer["allocations"]} == {"BBB"}
    assert "older than 60 s" in answer["rejected_signals"][0]["reason"]
