"""Any valid request, any state it may meet, any valid reply of the policy."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

import hypothesis.strategies as st
import numpy as np

from app.core.params import (
    BrakeParams,
    EngineParams,
    KellyParams,
    LimitParams,
    MarketParams,
    TradingParams,
)
from app.core.types import (
    Action,
    Batch,
    CascadeIndicators,
    Outcome,
    Prediction,
    Regime,
    Signal,
    TradingState,
)
from tests.contract.engine import Engine
from tests.fakes import FakeClock, FakePolicyClient

NOW: Final = FakeClock().now_ns()
SECOND: Final = 1_000_000_000
SYMBOLS: Final = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF")
OWNERS: Final = ("mean", "trend", "carry", "flow")

CALM: Final = CascadeIndicators()
HALVING: Final = CascadeIndicators(
    funding_rate=0.0, oi_change_pct=-0.6, volume_ratio=1.0, onchain_whale_pressure=0.8
)
QUARTERING: Final = CascadeIndicators(
    funding_rate=-0.02, oi_change_pct=-0.5, onchain_whale_pressure=0.9
)
CLOSING: Final = CascadeIndicators(
    funding_rate=0.5,
    oi_change_pct=-1.0,
    volume_ratio=50.0,
    onchain_whale_pressure=1.0,
    exchange_netflow_zscore=-9.0,
)
CASCADES: Final = (CALM, HALVING, QUARTERING, CLOSING)


@dataclass(frozen=True, slots=True)
class Past:
    """What the service has learnt before: returns and outcomes, all from one seed."""

    seed: int = 0
    returns: int = 0
    outcomes: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Case:
    """A service in some state and the request it gets; ``replies`` None is RL off."""

    batch: Batch
    params: EngineParams = field(default_factory=EngineParams)
    past: Past = field(default_factory=Past)
    state: TradingState = TradingState.ACTIVE
    replies: tuple[Prediction | None, ...] | None = None

    def __repr__(self) -> str:
        """Show what differs from the defaults only: whole parameters drown a falsified case."""
        rooms, plain = self.params.to_json(), EngineParams().to_json()
        changed = {
            f"{room}.{name}": value
            for room in ("kelly", "market", "limits", "trading", "brakes")
            for name, value in rooms[room].items()
            if value != plain[room][name]
        }
        return (
            f"Case({self.batch}, params={changed}, {self.past}, {self.state.value}, "
            f"replies={self.replies})"
        )

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: FBT001 - hypothesis' name
        printer.text(repr(self))

    def engine(self) -> Engine:
        """Build a fresh service in the case's state."""
        client = None if self.replies is None else replying(self.replies)
        engine = Engine(self.params, client)
        teach(engine, self.past)
        engine.trade(self.state)
        return engine


def replying(replies: tuple[Prediction | None, ...]) -> FakePolicyClient:
    """Make a policy that answers row i with reply i, starting over at the end."""

    async def script(inputs: object) -> tuple[Prediction | None, ...]:
        rows = len(inputs)  # type: ignore[arg-type]
        return tuple(replies[row % len(replies)] for row in range(rows))

    return FakePolicyClient(script=script)


def teach(engine: Engine, past: Past) -> None:
    """Feed correlated returns of every symbol and outcomes of every strategy."""
    rng = np.random.default_rng(past.seed)
    mix = rng.normal(size=(len(SYMBOLS), len(SYMBOLS)))
    rows = 0.02 * rng.normal(size=(past.returns, len(SYMBOLS))) @ mix
    table = [dict(zip(SYMBOLS, row, strict=True)) for row in np.maximum(rows, -0.99).tolist()]
    engine.feed_returns(table, until_ns=NOW - 7_200 * SECOND)
    outcomes = [
        Outcome(
            symbol="AAA",
            realized_return=float(rng.normal(0.002 * place, 0.03)),
            strategy_id=owner,
            predicted_return=0.001,
            predicted_volatility=float(rng.choice([0.01, 0.03])),
        )
        for _ in range(past.outcomes)
        for place, owner in enumerate(OWNERS)
    ]
    if outcomes:
        engine.record(outcomes)


def fractions(low: float = 0.0, high: float = 1.0) -> st.SearchStrategy[float]:
    """Floats of a range; what is not zero is at least 1e-9, the ends of the range are tables'."""
    numbers = st.floats(low, high, allow_nan=False, allow_subnormal=False)
    return numbers.map(lambda number: number if abs(number) > 1e-9 else 0.0)


def log_uniform(low: float, high: float) -> st.SearchStrategy[float]:
    """Positive numbers over several orders of magnitude."""
    return st.floats(np.log10(low), np.log10(high)).map(lambda power: float(10.0**power))


def maybe(values: st.SearchStrategy[float]) -> st.SearchStrategy[float | None]:
    return st.one_of(values, values, values, st.none())


expected_returns: st.SearchStrategy[float] = st.one_of(
    log_uniform(1e-4, 1e-2),
    log_uniform(1e-4, 1e-2),
    log_uniform(1e-4, 1e-2),
    log_uniform(1e-9, 1e2),
    st.sampled_from((0.0, -0.01)),
)
volatilities: st.SearchStrategy[float] = st.one_of(
    log_uniform(0.02, 0.2), log_uniform(0.02, 0.2), log_uniform(1e-6, 10.0)
)

signals: st.SearchStrategy[Signal] = st.builds(
    Signal,
    strategy_id=st.sampled_from(OWNERS),
    symbol=st.sampled_from(SYMBOLS),
    action=st.sampled_from((Action.BUY, Action.BUY, Action.SELL, *Action)),
    confidence=st.one_of(fractions(0.3), fractions(0.3), fractions()),
    risk_score=fractions(),
    regime=st.sampled_from(Regime),
    timestamp_ns=st.sampled_from((0, NOW - 60 * SECOND, NOW, NOW + 3600 * SECOND)),
    expected_return=maybe(expected_returns),
    predicted_volatility=maybe(volatilities),
    signal_strength=maybe(fractions(-1.0, 1.0)),
    sentiment_score=maybe(fractions()),
    sentiment_confidence=maybe(fractions()),
    horizon_sec=maybe(st.sampled_from((60.0, 3_600.0, 86_400.0, 604_800.0))),
)

cascades: st.SearchStrategy[CascadeIndicators] = st.one_of(
    st.sampled_from((CALM, *CASCADES)),
    st.just(CALM),
    st.builds(
        CascadeIndicators,
        funding_rate=fractions(-1.0, 1.0),
        oi_change_pct=fractions(-1.0, 1.0),
        volume_ratio=fractions(0.0, 20.0),
        onchain_whale_pressure=fractions(),
        exchange_netflow_zscore=fractions(-10.0, 10.0),
    ),
)

predictions: st.SearchStrategy[Prediction] = st.builds(
    Prediction,
    position_pct=st.one_of(fractions(-0.3, 0.3), st.sampled_from((-1.0, 0.0, 1.0))),
    confidence=st.one_of(fractions(0.5), st.sampled_from((0.0, 0.5, 1.0))),
    predicted_return=st.just(0.001),
    predicted_volatility=st.just(0.02),
    model_version=st.just("fake-1"),
)
reply_lists: st.SearchStrategy[tuple[Prediction | None, ...]] = st.lists(
    st.one_of(predictions, predictions, st.none()), min_size=1, max_size=12
).map(tuple)

pasts: st.SearchStrategy[Past] = st.builds(
    Past,
    seed=st.integers(0, 50),
    returns=st.sampled_from((0, 0, 15, 40)),
    outcomes=st.sampled_from((0, 0, 3, 25)),
)


@st.composite
def batches(draw: st.DrawFn, max_signals: int = 10) -> Batch:
    """Signals with prices for most symbols, and positions that can be valued."""
    least = draw(st.sampled_from((0, 1, 4)))
    wanted = tuple(draw(st.lists(signals, min_size=least, max_size=max_signals)))
    value = draw(st.one_of(st.just(100_000.0), log_uniform(1e-3, 1e12)))
    prices: dict[str, float | None] = {
        symbol: draw(log_uniform(1e-4, 1e6)) for symbol in SYMBOLS if draw(st.integers(0, 19))
    }
    positions = None
    if draw(st.booleans()):
        held = draw(st.lists(st.sampled_from(SYMBOLS), unique=True))
        positions = {
            symbol: draw(fractions(-0.6, 0.6)) * value / (prices.get(symbol) or 100.0)
            for symbol in held
        }
    for symbol in draw(st.lists(st.sampled_from(SYMBOLS), unique=True, max_size=2)):
        if not draw(st.integers(0, 3)):
            prices[symbol] = draw(st.sampled_from((None, 0.0, -1.0)))
    return Batch(
        signals=wanted,
        cascade=draw(cascades),
        prices=prices,
        portfolio_value=value,
        received_ns=NOW,
        positions=positions,
        stamps_until_ns=draw(st.sampled_from((None, None, NOW + 60 * SECOND))),
    )


@st.composite
def limit_settings(draw: st.DrawFn) -> LimitParams:
    """Limits in any order of size, with and without caps of their own for symbols and groups."""
    own = draw(st.booleans())
    return LimitParams(
        max_position_pct=draw(st.one_of(st.just(0.15), fractions(0.01, 1.0))),
        max_strategy_pct=draw(st.one_of(st.just(0.40), fractions(0.01, 1.0))),
        max_portfolio_pct=draw(st.one_of(st.just(0.80), fractions(0.01, 2.0))),
        allow_short=draw(st.booleans()),
        symbol_caps={"AAA": draw(fractions(0.0, 0.2))} if own else {},
        group_caps={"pair": draw(fractions(0.01, 0.3))} if own else {},
        groups={"pair": ("BBB", "CCC")} if own else {},
    )


@st.composite
def engine_settings(draw: st.DrawFn, *, plain: bool = False) -> EngineParams:
    """Any settings; ``plain`` keeps slow trading, costs, bands, lots and brakes off."""
    trading, brakes = TradingParams(), BrakeParams()
    if not plain:
        span = draw(st.sampled_from((0.0, 0.0, 1.0, 10.0)))
        half_life_sec = draw(st.sampled_from((0.0, 0.0, 3_600.0))) if span == 0.0 else 0.0
        trading = TradingParams(
            rebalance_span=span,
            rebalance_half_life_sec=half_life_sec,
            cost_pct=draw(st.sampled_from((0.0, 0.0, 0.001))),
            no_trade_band_pct=draw(st.sampled_from((0.0, 0.0, 0.02))),
            default_lot_size=draw(st.sampled_from((0.0, 0.0, 1e-3, 1.0))),
            default_min_notional_usd=draw(st.sampled_from((0.0, 0.0, 10.0, 2_000.0))),
        )
        brakes = BrakeParams(volatility_target=draw(st.sampled_from((0.0, 0.0, 0.01))))
    return EngineParams(
        kelly=KellyParams(fraction=draw(st.sampled_from((0.25, 0.25, 1.0)))),
        market=MarketParams(prior_correlation=draw(st.sampled_from((0.5, 0.5, 0.0, 0.9)))),
        limits=draw(limit_settings()),
        trading=trading,
        brakes=brakes,
    )


@st.composite
def cases(draw: st.DrawFn, *, plain: bool = False, rl: bool | None = None) -> Case:
    """Any state, any mode, any valid input."""
    asks = draw(st.booleans()) if rl is None else rl
    return Case(
        batch=draw(batches()),
        params=draw(engine_settings(plain=plain)),
        past=draw(pasts),
        state=draw(st.sampled_from((*(TradingState.ACTIVE,) * 4, *TradingState))),
        replies=draw(reply_lists) if asks else None,
    )


def in_cascade(case: Case, cascade: CascadeIndicators) -> Case:
    """Give the same case in another cascade."""
    return replace(case, batch=replace(case.batch, cascade=cascade))
