"""Valid baselines and hypothesis strategies that several rooms of tests share."""

from typing import Any

from hypothesis import strategies as st

from app.core.types import Action, Batch, CascadeIndicators, Regime, Signal

NOW_NS = 1_735_226_000_000_000_000
SYMBOLS = ("BTC-USD", "ETH-USD", "SOL-USD", "AAPL")
STRATEGIES = ("carry", "momentum", "reversal")

fractions = st.floats(0.0, 1.0)
actions = st.sampled_from(Action)
regimes = st.sampled_from(Regime)
seeds = st.integers(0, 2**32 - 1)


def make_signal(**changes: Any) -> Signal:
    """Build a plain valid BUY; vary what a test is about."""
    baseline: dict[str, Any] = {
        "strategy_id": "momentum",
        "symbol": "BTC-USD",
        "action": Action.BUY,
        "confidence": 0.8,
        "risk_score": 0.25,
        "regime": Regime.RANGING,
        "timestamp_ns": NOW_NS,
        "expected_return": 0.005,
        "predicted_volatility": 0.05,
    }
    return Signal(**{**baseline, **changes})


def make_batch(*signals: Signal, **changes: Any) -> Batch:
    """Build a batch of these signals with a price of 100 USD for each of their symbols."""
    baseline: dict[str, Any] = {
        "signals": signals,
        "cascade": CascadeIndicators(),
        "prices": {signal.symbol: 100.0 for signal in signals},
        "portfolio_value": 100_000.0,
        "received_ns": NOW_NS,
    }
    return Batch(**{**baseline, **changes})


@st.composite
def valid_signals(draw: st.DrawFn) -> Signal:
    """Draw any valid signal over a few symbols and strategies, optional fields missing or not."""
    return Signal(
        strategy_id=draw(st.sampled_from(STRATEGIES)),
        symbol=draw(st.sampled_from(SYMBOLS)),
        action=draw(actions),
        confidence=draw(fractions),
        risk_score=draw(fractions),
        regime=draw(regimes),
        timestamp_ns=NOW_NS - draw(st.integers(0, 3)),
        expected_return=draw(st.none() | st.floats(-0.2, 0.2)),
        predicted_volatility=draw(st.none() | st.floats(1e-4, 1.0)),
        signal_strength=draw(st.none() | fractions),
        sentiment_score=draw(st.none() | fractions),
        sentiment_confidence=draw(st.none() | fractions),
        horizon_sec=draw(st.none() | st.floats(1.0, 1e7)),
    )
