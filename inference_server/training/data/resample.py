"""Make daily bars of hourly bars."""

from dataclasses import replace

import numpy as np

from inference_server.training.data.panels import Panel
from inference_server.training.data.sources import DAY_SEC


def resample_daily(panel: Panel) -> Panel:
    """Return a panel of the last bar of each UTC day.

    A day counts if it has at least half as many bars as the fullest one: that leaves out the
    broken first and last day and the two hours of a currency's Sunday, which belong to its Monday.

    Parameters
    ----------
    panel : Panel
        With bars shorter than a day.

    Returns
    -------
    Panel
        ``<name>_daily`` (``_hourly`` falls away), a bar a day, stamped with the day.

    Raises
    ------
    ValueError
        If the bars are a day or longer.
    """
    if panel.interval_sec >= DAY_SEC:
        raise ValueError(
            f"interval of {panel.name} must be < {DAY_SEC} s, was {panel.interval_sec}"
        )
    days, first, counts = np.unique(
        panel.dates.astype("datetime64[D]"), return_index=True, return_counts=True
    )
    kept = counts >= counts.max() / 2
    return replace(
        panel,
        name=f"{panel.name.removesuffix('_hourly')}_daily",
        dates=days[kept].astype("datetime64[s]"),
        closes=panel.closes[(first + counts - 1)[kept]],
        interval_sec=DAY_SEC,
    )
