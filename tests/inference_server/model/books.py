"""Signals with a history, as the service sends them."""

from dataclasses import replace
from typing import Any

import numpy as np

from inference_server.model.rows import Action, Regime, SignalRow

DAY_SEC = 86_400.0


def history(seed: int, count: int = 256, volatility: float = 0.01) -> Any:
    """Draw daily returns, float32 of shape (count,)."""
    draws = np.random.default_rng(seed).normal(0.0, volatility, count)
    return draws.astype(np.float32)


def row(**changes: Any) -> SignalRow:
    """Build a buy of a symbol with a year of history and a long baseline."""
    valid: dict[str, Any] = {
        "symbol": "BTC-USD",
        "action": Action.BUY,
        "confidence": 0.6,
        "risk_score": 0.2,
        "regime": Regime.RANGING,
        "expected_return": 0.001,
        "predicted_volatility": 0.01,
        "baseline_pct": 0.08,
        "current_pct": 0.02,
        "interval_sec": DAY_SEC,
    }
    if "returns" not in changes:
        valid["returns"] = history(7)
    return SignalRow(**(valid | changes))


def market(seed: int, symbols: int, signals: int = 1, *, short: bool = True) -> list[SignalRow]:
    """Draw a request of ``signals`` signals on each of ``symbols`` symbols."""
    rng = np.random.default_rng(seed)
    rows: list[SignalRow] = []
    for place in range(symbols):
        baseline = float(rng.uniform(0.01, 0.15))
        shared = row(
            symbol=f"S{place}",
            returns=history(1000 * seed + place, volatility=float(rng.uniform(0.002, 0.05))),
            baseline_pct=-baseline if short and rng.random() < 0.5 else baseline,
            current_pct=float(rng.uniform(-0.1, 0.1)),
        )
        rows += [
            replace(
                shared,
                action=Action.BUY if rng.random() < 0.5 else Action.SELL,
                confidence=float(rng.uniform(0.0, 1.0)),
                expected_return=None if rng.random() < 0.2 else float(rng.normal(0.001, 0.002)),
                predicted_volatility=None
                if rng.random() < 0.2
                else float(rng.uniform(0.005, 0.05)),
            )
            for _ in range(signals)
        ]
    return rows


def mirrored(asked: SignalRow) -> SignalRow:
    """Turn prices, positions and the trade upside down."""
    flipped = {1: Action.SELL, 0: Action.HOLD, -1: Action.BUY}[asked.direction]
    return replace(
        asked,
        action=flipped,
        returns=-asked.returns,
        baseline_pct=None if asked.baseline_pct is None else -asked.baseline_pct,
        current_pct=None if asked.current_pct is None else -asked.current_pct,
    )
