"""The yardstick: a bare FastAPI application with the request and answer shapes of the service.

It validates the same body into plain models, and answers as many positions as came signals. No
sizing, no journal, no middleware.
"""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from app.api.response.decision_schemas import AllocateResponse

STAGES = ("kelly", "conformal", "sentiment", "regime", "cascade", "portfolio", "rl", "final")


class EchoSignal(BaseModel):
    """A signal as the contract has it."""

    strategy_id: str
    symbol: str
    action: str
    confidence: float
    risk_score: float
    regime: str
    timestamp_ns: int
    expected_return: float | None = None
    predicted_volatility: float | None = None
    signal_strength: float | None = None
    sentiment_score: float | None = None
    sentiment_confidence: float | None = None


class EchoRequest(BaseModel):
    """A batch as the contract has it."""

    signals: list[EchoSignal]
    cascade_indicators: dict[str, float]
    current_prices: dict[str, float]
    portfolio_value: float | None = None
    current_positions: dict[str, float] | None = None
    market_data: dict[str, Any] | None = None


app = FastAPI()


@app.get("/health/ready")
async def get_readiness() -> dict[str, str]:
    """Answer as the service does once it is up."""
    return {"status": "ready"}


@app.post("/allocate", response_model=AllocateResponse)
async def allocate(batch: EchoRequest) -> dict[str, Any]:
    """Answer in the service's shape."""
    names = [signal.symbol for signal in batch.signals]
    stages = {f"{stage}_usd": 123.456789 for stage in STAGES}
    return {
        "decision_id": "0123456789abcdef0123456789abcdef",
        "strategy": "fallback",
        "fallback_reason": "rl_disabled",
        "mode": "fallback",
        "allocations": dict.fromkeys(names, 1234.56789),
        "baseline_allocations": dict.fromkeys(names, 1234.56789),
        "risk": {
            "volatility": 0.0123456789,
            "es_95": 0.0234567891,
            "horizon_sec": 86400.0,
            "contributions": dict.fromkeys(names, 0.123456789),
            "current": {"volatility": 0.0, "es_95": 0.0},
        },
        "settings_hash": "0123456789abcdef",
        "positions": [
            {
                "symbol": signal.symbol,
                "target_usd": 1234.56789,
                "target_quantity": 12.3456789,
                "weight": 0.0123456789,
                "current_quantity": 0.0,
                "trade_quantity": 12.3456789,
                "trade_usd": 1234.56789,
                "price": 100.0,
                "price_source": "given",
                "price_age_sec": 0.0,
                "set_apart": False,
                "contributions": [
                    {
                        "strategy_id": signal.strategy_id,
                        "final_usd": 1234.56789,
                        "stages": stages,
                    }
                ],
            }
            for signal in batch.signals
        ],
        "total_allocated_usd": 12345.6789,
        "net_usd": 12345.6789,
        "portfolio_value": 100_000.0,
        "utilization_pct": 12.3456789,
        "strategy_weights": {signal.strategy_id: 0.2 for signal in batch.signals},
        "drifted_strategies": [],
        "max_drift_pct": 0.0,
        "correlation_penalties": dict.fromkeys(names, 0.9),
        "binding_limits": [],
        "rejected_signals": [],
        "warnings": [],
        "cascade": {
            "risk_score": 0.0,
            "recommendation": "MONITOR",
            "score_recommendation": "MONITOR",
            "components": {},
        },
        "policy": {
            "asked": 0,
            "used": 0,
            "abstained": {},
            "unusable": 0,
            "book": "none",
            "mode": "live",
            "canary": False,
        },
        "portfolio_id": "default",
        "trading_state": "ACTIVE",
        "control_version": 0,
        "set_apart_usd": 0.0,
        "notices": [],
        "regime": "ranging",
        "circuit_state": "closed",
        "model_version": None,
        "latency_ms": 1.0,
        "timestamp_ns": 0,
    }
