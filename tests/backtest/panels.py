"""Panels and files to backtest."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np

from app.core.types import FloatArray
from app.history.prices import PricePanel
from tests.history.panels import random_walk


def gappy(n_days: int = 420, n_symbols: int = 4, seed: int = 11) -> PricePanel:
    """Random walks in which one symbol starts late, one ends early and prices go missing."""
    panel = random_walk(n_days, n_symbols, seed)
    closes = panel.closes.copy()
    closes[:330, 1] = np.nan
    closes[380:, 2] = np.nan
    closes[np.random.default_rng(seed).random(closes.shape) < 0.02] = np.nan
    closes[360] = np.nan
    return PricePanel(panel.dates, panel.symbols, closes)


def on_business_days(panel: PricePanel) -> PricePanel:
    """Give the same closes dates without weekends, from Monday 2018-01-01 on."""
    days: list[date] = []
    day = date(2018, 1, 1)
    while len(days) < len(panel.dates):
        if day.weekday() < 5:
            days.append(day)
        day += timedelta(days=1)
    return PricePanel(np.array(days, dtype="datetime64[D]"), panel.symbols, panel.closes)


def written(panel: PricePanel, path: Path) -> Path:
    """Write a panel as the command reads it."""
    lines = [",".join(["date", *panel.symbols])]
    lines += [
        ",".join([str(day), *("" if np.isnan(close) else repr(float(close)) for close in closes)])
        for day, closes in zip(panel.dates, panel.closes, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", "ascii")
    return path


def with_prices(panel: PricePanel, closes: FloatArray) -> PricePanel:
    """Return the panel with other closes."""
    return PricePanel(panel.dates, panel.symbols, closes)
