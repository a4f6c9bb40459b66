"""Small panels that the service has decided over, and the tapes that training makes of them."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.backtest.options import BacktestOptions
from app.backtest.run import run
from app.history.prices import PricePanel
from app.settings import Settings
from inference_server.training.play.tape import Array, Tape
from inference_server.training.play.tapes import load_tape
from tests.backtest.panels import written
from tests.history.panels import random_walk

PANEL = random_walk(420, 6)


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """A tape, the files behind it, and what the service's own portfolio earned, shape (T,)."""

    tape: Tape
    record: Path
    prices: Path
    returns: Array


def record_panel(panel: PricePanel, folder: Path, *, short: bool) -> Recorded:
    """Let the service decide over a panel and read what it wrote."""
    prices, record = written(panel, folder / "prices.csv"), folder / "record.npz"
    figures_file = folder / "figures.json"
    run(
        BacktestOptions(
            prices=prices,
            json_path=figures_file,
            record_path=record,
            only=("kelly_smoothed",),
            outcomes=False,
            short=short,
        ),
        Settings(),
    )
    return Recorded(load_tape(record), record, prices, returns_of(figures_file, "kelly_smoothed"))


def returns_of(figures: Path, policy: str) -> Array:
    """Read daily net returns of one policy from the JSON of a backtest, shape (T,)."""
    equity = np.array(json.loads(figures.read_text())["series"][policy]["equity_usd"])
    net: Array = equity[1:] / equity[:-1] - 1.0
    return net
