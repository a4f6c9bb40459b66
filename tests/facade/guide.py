"""The guide's own signals, sized by its hybrid in process."""

from prometheus_client import REGISTRY

from app.facade import (
    CascadeIndicators,
    HybridAllocation,
    Layer3Phase3Hybrid,
    MarketRegime,
    TacticalAction,
    TacticalSignal,
)

PRICES = {"BTC-USD": 43_500.0, "ETH-USD": 2_250.0}
CALM = CascadeIndicators(0.001, 0.05, 2.0, 0.30, 0.5)
DEAD_ENDPOINT = "http://127.0.0.1:9/predict"


def signal(
    symbol: str = "BTC-USD",
    strategy_id: str = "momentum",
    timestamp_ns: int = 1_735_226_000_000_000_000,
    **changes: float,
) -> TacticalSignal:
    """Make a valid BUY; vary what a test is about."""
    fields = {"confidence": 0.85, "expected_return": 0.02, "predicted_volatility": 0.20, **changes}
    return TacticalSignal(
        strategy_id=strategy_id,
        symbol=symbol,
        action=TacticalAction.BUY,
        risk_score=0.25,
        regime=MarketRegime.TRENDING_UP,
        timestamp_ns=timestamp_ns,
        **fields,
    )


def decide(hybrid: Layer3Phase3Hybrid, *symbols: str) -> HybridAllocation:
    """Return the decision about one signal for each of these symbols."""
    return hybrid.process_signals(
        signals=[signal(symbol) for symbol in symbols or ("BTC-USD", "ETH-USD")],
        cascade_indicators=CALM,
        current_prices=PRICES,
        market_data={},
    )


def metric(name: str, **labels: str) -> float:
    """Read a metric of this process, 0 where there is none."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
