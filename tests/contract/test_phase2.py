"""Promises 6 and 7: what Phase 2 does with slow trading, costs, bands and lots off."""

import math
from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import given

from app.core.params import EngineParams, LimitParams, MarketParams
from app.core.types import Action, Regime, Signal
from tests.contract.engine import Answer, Engine
from tests.contract.promises import BUYS
from tests.contract.requests import UNCORRELATED, VALUE, phase1_usd, request
from tests.contract.strategies import (
    NOW,
    OWNERS,
    SYMBOLS,
    Case,
    cases,
    engine_settings,
    fractions,
    log_uniform,
    pasts,
    signals,
    teach,
)

STRONG = {Action.BUY: Action.STRONG_BUY, Action.SELL: Action.STRONG_SELL}
SHORTS = LimitParams(allow_short=True)


def small(symbol: st.SearchStrategy[str], largest_pct: float = 0.06) -> st.SearchStrategy[Signal]:
    """Signals whose Phase 1 size is positive and at most ``largest_pct``, of any volatility."""

    def build(fields: tuple[str, str, Action, float, float, float, Regime]) -> Signal:
        name, owner, action, size, volatility, confidence, regime = fields
        # no claim above the largest that is believed
        size = min(size, 0.025 / volatility)
        edge = size * volatility**2 / (0.25 * confidence)
        return Signal(
            owner,
            name,
            action,
            confidence,
            0.5,
            regime,
            NOW,
            expected_return=edge,
            predicted_volatility=volatility,
        )

    return st.tuples(
        symbol,
        st.sampled_from(OWNERS),
        st.sampled_from((Action.BUY, Action.SELL, Action.STRONG_BUY)),
        fractions(1e-4, largest_pct / 1.2),
        log_uniform(1e-4, 1.0),
        fractions(0.05, 1.0),
        st.sampled_from(Regime),
    ).map(build)


def usd(answer: Answer, symbol: str) -> float:
    value: float = answer["allocations"].get(symbol, 0.0)
    return value


@given(case=cases(plain=True, rl=False), factor=log_uniform(1e-3, 1e3))
def test_scaling_value_and_positions_scales_the_allocation(case: Case, factor: float) -> None:
    batch = case.batch
    held = batch.positions
    larger = replace(
        batch,
        portfolio_value=batch.portfolio_value * factor,
        positions=None if held is None else {s: factor * units for s, units in held.items()},
    )
    before, after = case.engine().allocate(batch), case.engine().allocate(larger)
    slack = 1e-6 * larger.portfolio_value
    assert {*before["allocations"]} == {*after["allocations"]}
    for symbol, amount in before["allocations"].items():
        assert abs(after["allocations"][symbol] - factor * amount) <= slack, symbol


@given(case=cases(plain=True, rl=False), place=st.integers(0, 20))
def test_strong_is_never_smaller_than_plain(case: Case, place: int) -> None:
    batch = case.batch
    plain = [row for row, signal in enumerate(batch.signals) if signal.action in STRONG]
    if not plain:
        return
    row = plain[place % len(plain)]
    signal = batch.signals[row]
    strong = replace(signal, action=STRONG[signal.action])
    changed = (*batch.signals[:row], strong, *batch.signals[row + 1 :])
    weak = usd(case.engine().allocate(batch), signal.symbol)
    bold = usd(case.engine().allocate(replace(batch, signals=changed)), signal.symbol)
    assert abs(bold) >= abs(weak) - 1e-9 * batch.portfolio_value


def alone(
    case: Case, signal: Signal, confidence: float | None = None, volatility: float | None = None
) -> float:
    changed = replace(
        signal,
        symbol="AAA",
        confidence=signal.confidence if confidence is None else confidence,
        predicted_volatility=signal.predicted_volatility if volatility is None else volatility,
    )
    prices = {**case.batch.prices, "AAA": 100.0}
    batch = replace(case.batch, signals=(changed,), prices=prices)
    return abs(usd(case.engine().allocate(batch), "AAA"))


@given(case=cases(plain=True, rl=False), signal=signals, other=fractions())
def test_alone_more_confidence_never_means_less(case: Case, signal: Signal, other: float) -> None:
    low, high = sorted((signal.confidence, other))
    slack = 1e-9 * case.batch.portfolio_value
    less = alone(case, signal, confidence=low)
    assert alone(case, signal, confidence=high) >= less - slack


@given(
    case=cases(plain=True, rl=False),
    signal=signals,
    pair=st.tuples(log_uniform(1e-6, 10.0), log_uniform(1e-6, 10.0)),
)
def test_alone_more_volatility_never_means_more(
    case: Case, signal: Signal, pair: tuple[float, float]
) -> None:
    calm, wild = sorted(pair)
    slack = 1e-9 * case.batch.portfolio_value
    most = alone(case, signal, volatility=calm)
    assert alone(case, signal, volatility=wild) <= most + slack


@given(
    picked=st.permutations(SYMBOLS).flatmap(
        lambda names: st.tuples(*(small(st.just(name)) for name in names))
    ),
    count=st.integers(1, len(SYMBOLS)),
)
def test_uncorrelated_signals_that_hit_no_limit_get_what_each_gets_alone(
    picked: tuple[Signal, ...], count: int
) -> None:
    params = replace(UNCORRELATED, limits=SHORTS)
    together = Engine(params).allocate(request(*picked[:count]))
    for signal in picked[:count]:
        own = Engine(params).allocate(request(signal))
        assert math.isclose(usd(own, signal.symbol), _signed(signal), rel_tol=1e-9)
        assert abs(usd(together, signal.symbol) - _signed(signal)) <= 1e-6 * VALUE
    assert together["binding_limits"] == []


def _signed(signal: Signal) -> float:
    size = phase1_usd(signal)
    return size if signal.action in BUYS else -size


@given(
    first=small(st.just("AAA")),
    second=small(st.just("BBB")),
    rows=st.sampled_from(([], [{"AAA": 0.02, "BBB": 0.0}, {"AAA": 0.0, "BBB": -0.03}] * 30)),
)
def test_opposite_sides_that_are_unknown_or_uncorrelated_do_not_shrink_each_other(
    first: Signal, second: Signal, rows: list[dict[str, float]]
) -> None:
    engine = Engine(EngineParams(limits=SHORTS))
    engine.feed_returns(rows, until_ns=NOW - 1)
    buy, sell = replace(first, action=Action.BUY), replace(second, action=Action.SELL)
    answer = engine.allocate(request(buy, sell))
    assert abs(usd(answer, "AAA") - _signed(buy)) <= 1e-6 * VALUE
    assert abs(usd(answer, "BBB") - _signed(sell)) <= 1e-6 * VALUE


@given(
    signal=small(st.just("AAA"), 0.14),
    owner=st.sampled_from(OWNERS),
    copies=st.integers(2, 5),
)
def test_equal_signals_on_one_symbol_together_get_what_one_gets(
    signal: Signal, owner: str, copies: int
) -> None:
    params = EngineParams(limits=SHORTS)
    twin = replace(signal, strategy_id=owner)
    one = usd(Engine(params).allocate(request(signal)), "AAA")
    many = Engine(params).allocate(request(signal, *(twin for _ in range(copies - 1))))
    assert math.isclose(usd(many, "AAA"), one, rel_tol=1e-9)
    # each strategy owns as much, and its equal signals share that equally
    parts = many["positions"][0]["contributions"]
    names = [part["strategy_id"] for part in parts]
    for part in parts:
        share = one / len(set(names)) / names.count(part["strategy_id"])
        assert math.isclose(part["final_usd"], share, rel_tol=1e-9)


@given(
    signal=small(st.just("AAA"), 0.4),
    owner=st.sampled_from(OWNERS),
    limits=st.sampled_from((LimitParams(), SHORTS)),
    regime=st.sampled_from((Regime.RANGING, Regime.HIGH_VOLATILITY, Regime.CRISIS)),
)
def test_equal_and_opposite_signals_give_zero(
    signal: Signal, owner: str, limits: LimitParams, regime: Regime
) -> None:
    buy = replace(signal, action=Action.BUY, regime=regime)
    sell = replace(signal, action=Action.SELL, regime=regime, strategy_id=owner)
    answer = Engine(EngineParams(limits=limits)).allocate(request(buy, sell))
    assert answer["allocations"] == {"AAA": 0.0}
    assert [p["final_usd"] for p in answer["positions"][0]["contributions"]] == [0.0, 0.0]


@given(signal=small(st.just("AAA"), 0.15))
def test_one_signal_alone_gets_its_phase_1_size(signal: Signal) -> None:
    answer = Engine(EngineParams(limits=SHORTS)).allocate(request(signal))
    assert math.isclose(usd(answer, "AAA"), _signed(signal), rel_tol=1e-9)
    assert answer["binding_limits"] == []


@given(signal=signals, params=engine_settings(plain=True), past=pasts)
def test_one_signal_alone_gets_its_traced_phase_1_size_or_a_limit(
    signal: Signal, params: EngineParams, past: object
) -> None:
    engine = Engine(replace(params, market=MarketParams()))
    teach(engine, past)  # type: ignore[arg-type]
    answer = engine.allocate(request(signal))
    caps = params.limits
    smallest = min(
        caps.max_position_pct,
        caps.max_strategy_pct,
        caps.max_portfolio_pct,
        caps.symbol_caps.get(signal.symbol, math.inf),
        *(cap for group, cap in caps.group_caps.items() if signal.symbol in caps.groups[group]),
    )
    traced = answer["positions"][0]["contributions"][0]["stages"]["regime_usd"]
    wanted = traced if traced > 0.0 or caps.allow_short else 0.0
    expected = math.copysign(min(abs(wanted), smallest * VALUE), wanted)
    assert abs(usd(answer, signal.symbol) - expected) <= 1e-9 * VALUE
