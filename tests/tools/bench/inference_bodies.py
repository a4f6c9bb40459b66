"""Signals as they cross the wire to the inference server, each with a year of daily returns."""

from typing import Any, Final

import msgpack
import numpy as np
import orjson

DAY_SEC: Final = 86_400.0
_TYPES: Final = {"json": "application/json", "msgpack": "application/msgpack"}


def policy_signals(count: int, seed: int) -> list[dict[str, Any]]:
    """Buys of distinct symbols; ``returns`` are float32 arrays of 256."""
    draw = np.random.default_rng(seed)
    return [
        {
            "symbol": f"SYM{place:04d}",
            "action": "BUY",
            "confidence": 0.6 + 0.05 * (place % 7),
            "risk_score": 0.25,
            "regime": "RANGING",
            "expected_return": 0.02,
            "predicted_volatility": 0.2,
            "market_data": {},
            "baseline_pct": 0.05,
            "current_pct": 0.02,
            "returns": draw.normal(0.0003, 0.01, 256).astype("<f4"),
            "interval_sec": DAY_SEC,
        }
        for place in range(count)
    ]


def single_requests(path: str = "/predict", around: str = "") -> list[bytes]:
    """Eight requests of one signal, JSON; ``around`` names a field to wrap the signal in."""
    signals = [_spelled(policy_signals(1, seed)[0]) for seed in range(8)]
    wrapped = [{around: signal} if around else signal for signal in signals]
    return [http_request(path, orjson.dumps(content), "json") for content in wrapped]


def batch_requests(count: int, wire: str) -> list[bytes]:
    """Eight requests of a batch, the same content on either wire."""
    return [
        http_request("/predict/batch", _batch_body(policy_signals(count, seed), wire), wire)
        for seed in range(8)
    ]


def http_request(path: str, body: bytes, wire: str) -> bytes:
    """Spell out a whole POST."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {_TYPES[wire]}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _batch_body(signals: list[dict[str, Any]], wire: str) -> bytes:
    if wire == "json":
        return orjson.dumps({"signals": [_spelled(signal) for signal in signals]})
    packed = [signal | {"returns": signal["returns"].tobytes()} for signal in signals]
    return bytes(msgpack.packb({"signals": packed}))


def _spelled(signal: dict[str, Any]) -> dict[str, Any]:
    return signal | {"returns": signal["returns"].tolist()}
