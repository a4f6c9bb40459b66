"""An example batch, and journalled batches in the form in which they can be sent again."""

from collections.abc import Mapping
from typing import Any, Final


def _signal(strategy: str, symbol: str, action: str, **claims: float) -> dict[str, Any]:
    return {
        "strategy_id": strategy,
        "symbol": symbol,
        "action": action,
        "confidence": claims["confidence"],
        "risk_score": 0.3,
        "regime": "RANGING",
        "timestamp_ns": 1735226000000000000,
        "expected_return": claims["expected_return"],
        "predicted_volatility": claims["volatility"],
    }


EXAMPLE_BATCH: Final[Mapping[str, Any]] = {
    "signals": [
        _signal(
            "momentum", "BTC-USD", "BUY", confidence=0.8, expected_return=0.0016, volatility=0.042
        ),
        _signal(
            "carry", "BTC-USD", "BUY", confidence=0.6, expected_return=0.0009, volatility=0.040
        ),
        _signal(
            "momentum", "ETH-USD", "BUY", confidence=0.7, expected_return=0.0018, volatility=0.055
        ),
        _signal(
            "reversal", "SOL-USD", "SELL", confidence=0.6, expected_return=0.0014, volatility=0.070
        ),
    ],
    "cascade_indicators": {
        "funding_rate": 0.0005,
        "oi_change_pct": -0.02,
        "volume_ratio": 1.4,
        "onchain_whale_pressure": 0.25,
        "exchange_netflow_zscore": 0.4,
    },
    "current_prices": {"BTC-USD": 43500.0, "ETH-USD": 2310.0, "SOL-USD": 98.4},
    "portfolio_value": 100000,
}


def batch_to_resend(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a journalled batch, with what stood beside it, as a body of ``POST /allocate``."""
    return {
        "signals": [
            {name: value for name, value in signal.items() if value is not None}
            for signal in (*request["signals"], *request.get("standing", ()))
        ],
        "cascade_indicators": request["cascade"],
        "current_prices": request["prices"],
        "portfolio_value": request["portfolio_value"],
        "current_positions": request["positions"],
        "market_data": request["market_data"],
    }
