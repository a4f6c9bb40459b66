"""Seeded price panels of any size."""

from datetime import date, timedelta

import numpy as np

from app.core.types import FloatArray
from app.history.prices import PricePanel


def random_walk(n_days: int, n_symbols: int, seed: int = 7) -> PricePanel:
    """Geometric random walks with a small drift, from 2018-01-01 on every calendar day."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(4e-4, 0.012, size=(n_days, n_symbols))
    steps += rng.normal(0.0, 0.008, size=(n_days, 1))
    closes: FloatArray = 100.0 * np.exp(np.cumsum(steps, axis=0))
    days = [date(2018, 1, 1) + timedelta(days=number) for number in range(n_days)]
    symbols = tuple(f"S{number:02d}" for number in range(n_symbols))
    return PricePanel(np.array(days, dtype="datetime64[D]"), symbols, closes)
