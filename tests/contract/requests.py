"""Plain requests for tables and for the promises of Phase 2; one thing varies from each."""

from typing import Any, Final

from app.core.params import EngineParams, LimitParams, MarketParams, TradingParams
from app.core.types import Action, Batch, Regime, Signal
from tests.contract.engine import Answer, Engine, run
from tests.contract.strategies import CALM, NOW

DAY: Final = 86_400 * 10**9
SECOND: Final = 10**9
VALUE: Final = 100_000.0
UNCORRELATED: Final = EngineParams(market=MarketParams(prior_correlation=0.0))
SHORTS: Final = EngineParams(limits=LimitParams(allow_short=True))
SLOW: Final = EngineParams(
    trading=TradingParams(rebalance_span=10.0), limits=LimitParams(allow_short=True)
)


def signal(symbol: str = "AAA", action: Action = Action.BUY, **changed: Any) -> Signal:
    """Build a calm signal whose Phase 1 size is about 9.5 % of the portfolio."""
    fields: dict[str, Any] = {
        "strategy_id": "mean",
        "confidence": 0.8,
        "risk_score": 0.2,
        "regime": Regime.RANGING,
        "timestamp_ns": NOW,
        "expected_return": 0.002,
        "predicted_volatility": 0.0632,
    }
    return Signal(symbol=symbol, action=action, **{**fields, **changed})


def request(*signals: Signal, **changed: Any) -> Batch:
    """Build a calm request, every price 100 USD, the portfolio worth 100,000 USD."""
    fields: dict[str, Any] = {
        "cascade": CALM,
        "prices": {one.symbol: 100.0 for one in signals} | dict.fromkeys(("AAA", "BBB"), 100.0),
        "portfolio_value": VALUE,
        "received_ns": NOW,
    }
    return Batch(signals=signals, **{**fields, **changed})


def knowing(params: EngineParams | None = None, at_ns: int = NOW - DAY, **prices: float) -> Engine:
    """Return a service that was told prices a day ago."""
    engine = Engine(params)
    run(engine.service.learning.observe_prices(at_ns, prices))
    return engine


def entry(answer: Answer, symbol: str = "AAA") -> dict[str, Any]:
    """Return a symbol's position of an answer."""
    found: dict[str, Any] = next(p for p in answer["positions"] if p["symbol"] == symbol)
    return found


def words(answer: Answer) -> set[tuple[str, str | None]]:
    """Return what an answer notices, and of which symbols."""
    return {(notice["what"], notice["symbol"]) for notice in answer["notices"]}


def ask(*signals: Signal, params: EngineParams | None = None, **changed: Any) -> Answer:
    """Ask a fresh service without a policy."""
    return Engine(params).allocate(request(*signals, **changed))


def phase1_usd(one: Signal, value: float = VALUE, kelly_fraction: float = 0.25) -> float:
    """Size of a signal of a strategy without a record: design section 1, stages 1, 3 and 4."""
    assert one.expected_return is not None
    assert one.predicted_volatility is not None
    claim = min(one.confidence * max(one.expected_return, 0.0) / one.predicted_volatility, 0.1)
    size = min(0.5, kelly_fraction * claim / one.predicted_volatility / (1.0 + 1.0 / 1000.0))
    return value * size * _sentiment(one) * _regime(one)


def _side(one: Signal) -> float:
    return 1.0 if one.action in {Action.BUY, Action.STRONG_BUY} else -1.0


def _sentiment(one: Signal) -> float:
    score, weight = one.sentiment_score, one.sentiment_confidence
    if score is None or weight is None:
        return 1.0
    distance = max(score - 0.6, 0.0) - max(0.4 - score, 0.0)
    tilt = min(1.0, abs(distance) / 0.4)
    return 1.0 + 0.15 * weight * tilt * (1.0 if distance > 0.0 else -1.0) * _side(one)


def _regime(one: Signal) -> float:
    factors = {
        Regime.TRENDING_UP: 1.2 if _side(one) > 0.0 else 0.8,
        Regime.TRENDING_DOWN: 0.8 if _side(one) > 0.0 else 1.2,
        Regime.RANGING: 1.0,
        Regime.HIGH_VOLATILITY: 0.6,
        Regime.CRISIS: 0.2,
    }
    return factors[one.regime]
