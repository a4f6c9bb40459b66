"""Joint shuffles of time: the same days in another order, for all instruments at once.

What a policy gains on shuffled prices it gains without any information in the past: by lower
costs, by a lasting tilt, or by chance. Signals, baseline and features are made anew for each.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from tqdm import tqdm

from inference_server.training.acceptance import judge_universe, served_gain
from inference_server.training.data.panels import Panel, load_panels
from inference_server.training.data.price_csv import write_csv
from inference_server.training.prepare import record_decisions
from inference_server.training.served_exact import Terms
from inference_server.training.served_torch import prepare_play
from inference_server.training.tapes import load_tape
from inference_server.training.walk_forward import Fitted

# the days before the first fold that signals and features need
_BEFORE: Final = 520


def shuffle_time(panel: Panel, seed: int, first: str = "2003-01-01") -> Panel:
    """Permute the daily returns from two years before ``first`` on, all instruments alike."""
    begin = int(np.searchsorted(panel.dates, np.datetime64(first))) - _BEFORE
    closes = panel.closes[max(begin, 0) :]
    returns = closes[1:] / closes[:-1]
    order = np.random.default_rng(seed).permutation(len(returns))
    shuffled = np.vstack([np.full((1, closes.shape[1]), 100.0), returns[order]]).cumprod(axis=0)
    return Panel(
        f"{panel.name}-shuffled-{seed}",
        panel.symbols,
        panel.dates[max(begin, 0) :],
        shuffled,
        panel.interval_sec,
        panel.dated,
    )


def shuffled_gains(
    data: Path, *, short: bool, fits: Mapping[str, Fitted], count: int
) -> tuple[float, ...]:
    """Sharpe gain over smoothed Kelly on each of ``count`` shuffles; finished ones are kept."""
    if not count:
        return ()
    side = "ls" if short else "lf"
    folder = data / "shuffles"
    folder.mkdir(parents=True, exist_ok=True)
    (panel,) = load_panels(["stocks"], data)
    gains = []
    for seed in tqdm(range(count), unit="shuffle", desc=f"shuffles {side}"):
        record = folder / f"{side}-{seed}.npz"
        if not record.is_file():
            prices = folder / f"{side}-{seed}.csv"
            write_csv(shuffle_time(panel, seed), prices)
            record_decisions(prices, record, short=short)
        # not cached: a hundred of them would fill a small disk
        tape = load_tape(record)
        gains.append(served_gain(judge_universe(tape, prepare_play(tape), fits), Terms()))
    return tuple(gains)
