"""Write a daily panel as the CSV that ``himari backtest --prices`` reads."""

import csv
from pathlib import Path

import numpy as np

from inference_server.training.data.panels import Panel
from inference_server.training.data.sources import DAY_SEC


def write_csv(panel: Panel, path: Path) -> None:
    """Write closes: an ISO date column, then one column a symbol; a missing price is empty.

    Numbers are written with the fewest digits that read back as the same float64.

    Parameters
    ----------
    panel : Panel
        Daily; `resample_daily` makes one of an hourly panel.
    path : Path
        Replaced if it is there; its folder is made.

    Raises
    ------
    ValueError
        If the bars are shorter than a day: a date would stand twice.
    """
    if panel.interval_sec < DAY_SEC:
        raise ValueError(
            f"interval of {panel.name} must be >= {DAY_SEC} s, was {panel.interval_sec}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    days = panel.dates.astype("datetime64[D]").astype(str)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["date", *panel.symbols])
        for day, closes in zip(days, panel.closes.tolist(), strict=True):
            rows.writerow([day, *("" if np.isnan(close) else repr(close) for close in closes)])
