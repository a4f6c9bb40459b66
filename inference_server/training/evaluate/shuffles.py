"""Joint shuffles of time: the same days in another order, for all instruments at once.

What a policy gains on shuffled prices it gains without any information in the past: by lower
costs, by a lasting tilt, or by chance. Signals, baseline and features are made anew for each.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from torch import nn
from tqdm import tqdm

from inference_server.training.data.panels import Panel, load_panels
from inference_server.training.data.price_csv import write_csv
from inference_server.training.evaluate.acceptance import judge_universe, served_gain
from inference_server.training.fit.walk_forward import FittedCase
from inference_server.training.play.prepare import record_decisions
from inference_server.training.play.served_torch import to_tensors
from inference_server.training.play.tapes import load_tape

# the code that makes features, runs the models and plays their multipliers
_TRAINING: Final = Path(__file__).resolve().parents[1]
_PLAYED_BY: Final = (
    *sorted((_TRAINING.parent / "model").glob("*.py")),
    *(
        _TRAINING / f"{name}.py"
        for name in (
            "evaluate/acceptance",
            "evaluate/shuffles",
            "fit/ensemble",
            "fit/networks",
            "fit/walk_forward",
            "play/fitted_policy",
            "play/served_exact",
            "play/served_torch",
            "play/tape",
            "play/tapes",
        )
    ),
)
# the days before the first fold that signals and features need
_BEFORE: Final = 520


def shuffle_time(panel: Panel, seed: int, first: str = "2003-01-01") -> Panel:
    """Return a panel with the days from two years before ``first`` on permuted, for all alike."""
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
    data: Path, *, short: bool, fits: Mapping[str, FittedCase], count: int
) -> tuple[float, ...]:
    """Sharpe gain over smoothed Kelly on each of ``count`` shuffles.

    Records are kept for good, gains for as long as the fits and the code that plays them stay.
    """
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
        kept = folder / f"{side}-{seed}-{_digest(fits, record)}.json"
        if not kept.is_file():
            # the tape itself is not kept: a hundred of them would fill a small disk
            tape = load_tape(record)
            gain = served_gain(judge_universe(tape, to_tensors(tape), fits))
            partial = kept.with_suffix(f".{os.getpid()}.tmp")
            partial.write_text(json.dumps(gain), encoding="utf-8")
            partial.replace(kept)
        gains.append(float(json.loads(kept.read_text(encoding="utf-8"))))
    return tuple(gains)


def _digest(fits: Mapping[str, FittedCase], record: Path) -> str:
    """Return a digest of record, code and multipliers; a gain does not depend on the forecasts."""
    digest = hashlib.sha256(record.read_bytes())
    for code in _PLAYED_BY:
        digest.update(code.read_bytes())
    for name, fit in sorted(fits.items()):
        digest.update(f"{name} {fit.scale!r}".encode())
        models: list[nn.Module] = [fit.linear, *fit.transformers]
        for model in models:
            for value in model.state_dict().values():
                digest.update(value.numpy().tobytes())
    return digest.hexdigest()[:12]
