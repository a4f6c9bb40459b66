"""Examples of bodies on the OpenAPI page: those of the contract."""

from typing import Any, Final

JsonObject = dict[str, Any]

ALLOCATE: Final[JsonObject] = {
    "signals": [
        {
            "strategy_id": "momentum_btc",
            "symbol": "BTC-USD",
            "action": "BUY",
            "confidence": 0.85,
            "risk_score": 0.25,
            "regime": "TRENDING_UP",
            "timestamp_ns": 1735226000000000000,
            "expected_return": 0.12,
            "predicted_volatility": 0.04,
            "signal_strength": None,
            "sentiment_score": 0.7,
            "sentiment_confidence": 0.8,
        }
    ],
    "cascade_indicators": {
        "funding_rate": 0.001,
        "oi_change_pct": 0.05,
        "volume_ratio": 2.0,
        "onchain_whale_pressure": 0.30,
        "exchange_netflow_zscore": 0.5,
    },
    "current_prices": {"BTC-USD": 43500.0},
    "portfolio_value": 100000,
    "current_positions": {"BTC-USD": 0.10},
    "market_data": {},
}
OUTCOMES: Final[JsonObject] = {
    "outcomes": [{"decision_id": "0197", "symbol": "BTC-USD", "realized_return": 0.03}]
}
UNPAIRED: Final[JsonObject] = {
    "outcomes": [{"symbol": "BTC-USD", "realized_return": 0.05, "used_rl": True}]
}
RETURNS: Final[JsonObject] = {
    "timestamp_ns": 1735226000000000000,
    "returns": {"BTC-USD": 0.02},
}
PRICES: Final[JsonObject] = {
    "timestamp_ns": 1735226000000000000,
    "prices": {"BTC-USD": 43500.0},
}
HALT: Final[JsonObject] = {"state": "HALTED", "reason": "exchange maintenance"}
FORCED_OPEN: Final[JsonObject] = {"mode": "forced_open", "reason": "model under review"}
RESET: Final[JsonObject] = {"reason": "endpoint was restarted"}
ACCEPT: Final[JsonObject] = {
    "symbol": "BTC-USD",
    "price": 43500.0,
    "reason": "the exchange confirms it",
}
SPLIT: Final[JsonObject] = {"symbol": "AAPL", "ratio": 4.0, "reason": "4 for 1 split"}
FORGET: Final[JsonObject] = {"symbol": "LUNA-USD", "reason": "delisted"}
WITHDRAW: Final[JsonObject] = {
    "outcomes": [{"decision_id": "0197", "symbol": "BTC-USD"}],
    "reason": "percent for a fraction",
}
