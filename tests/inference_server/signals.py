"""Valid signals to vary one thing of, as they cross the wire."""

from collections.abc import Sequence
from typing import Any

import msgpack
import numpy as np
import orjson

HEADERS = {"json": "application/json", "msgpack": "application/msgpack"}


def signal(**changes: Any) -> dict[str, Any]:
    """Build the guide's flat object."""
    valid = {
        "symbol": "BTC-USD",
        "action": "BUY",
        "confidence": 0.8,
        "risk_score": 0.25,
        "regime": "TRENDING_UP",
        "expected_return": 0.002,
        "predicted_volatility": 0.03,
        "market_data": {},
    }
    return valid | changes


def batch_signal(**changes: Any) -> dict[str, Any]:
    """Build one signal of a batch."""
    valid = {
        "baseline_pct": 0.08,
        "current_pct": 0.02,
        "returns": [0.01, -0.02, 0.005],
        "interval_sec": 86400.0,
    }
    return signal(**(valid | changes))


def packed(returns: Sequence[float]) -> bytes:
    """Pack returns as the client does."""
    return np.array(returns, "<f4").tobytes()


def as_msgpack(rows: Sequence[dict[str, Any]]) -> bytes:
    """Encode a batch with packed returns."""
    sent = [row | {"returns": packed(row["returns"])} for row in rows]
    return bytes(msgpack.packb({"signals": sent}))


def as_json(rows: Sequence[dict[str, Any]]) -> bytes:
    """Encode a batch."""
    return orjson.dumps({"signals": list(rows)})
