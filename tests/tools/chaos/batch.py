"""The batch that the matrix asks with, and what Phase 2 alone makes of it."""

import json
from typing import Any, Final

from app.api.request.body import parse_body
from app.api.request.schemas import AllocateRequest
from app.core.params import EngineParams
from tests.contract.engine import Engine
from tests.tools.chaos.broken_replies import SYMBOLS

_NOW_NS: Final = 1_735_226_000_000_000_000
_PRICES: Final = dict(zip(SYMBOLS, (43_500.0, 2_300.0), strict=True))


def _signal(strategy: str, symbol: str, action: str, confidence: float) -> dict[str, Any]:
    return {
        "strategy_id": strategy,
        "symbol": symbol,
        "action": action,
        "confidence": confidence,
        "risk_score": 0.25,
        "regime": "TRENDING_UP",
        "timestamp_ns": _NOW_NS,
        "expected_return": 0.012,
        "predicted_volatility": 0.031,
    }


BATCH: Final = json.dumps(
    {
        "signals": [
            _signal("momentum", SYMBOLS[0], "BUY", 0.85),
            _signal("carry", SYMBOLS[0], "STRONG_BUY", 0.61),
            _signal("momentum", SYMBOLS[1], "BUY", 0.73),
        ],
        "cascade_indicators": {
            "funding_rate": 0.001,
            "oi_change_pct": 0.05,
            "volume_ratio": 2.0,
            "onchain_whale_pressure": 0.3,
            "exchange_netflow_zscore": 0.5,
        },
        "current_prices": _PRICES,
        "portfolio_value": 100_000,
        "current_positions": {SYMBOLS[1]: 1.7},
    }
).encode()

# Everything in an answer that is a size, or made of sizes.
SIZES: Final = (
    "allocations", "baseline_allocations", "positions", "total_allocated_usd", "net_usd",
    "utilization_pct", "strategy_weights", "binding_limits", "correlation_penalties",
    "rejected_signals", "cascade", "regime",
)  # fmt: skip


def phase2_answer() -> dict[str, Any]:
    """Decide the batch in an engine that has no policy, and show the answer as JSON has it."""
    engine = Engine()
    try:
        batch = parse_body(BATCH, AllocateRequest).to_batch(_NOW_NS, EngineParams())
        answer: dict[str, Any] = json.loads(json.dumps(engine.allocate(batch)))
    finally:
        engine.close()
    return answer
