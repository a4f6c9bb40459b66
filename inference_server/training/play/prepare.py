"""Make tapes of packages: fetch the panels, record the service's decisions, build features."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from inference_server.training.data.panels import Panel, load_panels
from inference_server.training.data.price_csv import write_csv
from inference_server.training.play.served_torch import TensorTape, to_tensors
from inference_server.training.play.tape import Tape
from inference_server.training.play.tapes import load_tape

Report = Callable[[str], None]


class RecordFailed(RuntimeError):
    """``himari backtest`` did not write a record; the message is the end of its output."""


@dataclass(frozen=True, slots=True)
class RecordSpec:
    """The panel of a record, whether it has shorts, and whether its returns are mirrored."""

    name: str
    panel: str
    short: bool
    mirrored: bool = False


RECORDS: Final = (
    RecordSpec("stocks_ls", "stocks", short=True),
    RecordSpec("stocks_lf", "stocks", short=False),
    RecordSpec("stocks_mirror", "stocks", short=False, mirrored=True),
    RecordSpec("nyse_n_ls", "nyse_n", short=True),
    RecordSpec("nyse_n_lf", "nyse_n", short=False),
    RecordSpec("nyse_o_ls", "nyse_o", short=True),
    RecordSpec("nyse_o_lf", "nyse_o", short=False),
    RecordSpec("etfs_ls", "etfs", short=True),
    RecordSpec("etfs_lf", "etfs", short=False),
    RecordSpec("tse_ls", "tse", short=True),
    RecordSpec("msci_ls", "msci", short=True),
    RecordSpec("crypto_ls", "crypto", short=True),
    RecordSpec("crypto_lf", "crypto", short=False),
)
SMOKE: Final = ("etfs_ls", "etfs_lf")


def mirror(panel: Panel) -> Panel:
    """Return the panel with every return negated, so that longs become shorts."""
    returns = panel.closes[1:] / panel.closes[:-1] - 1.0
    opposite = np.where(np.isfinite(returns), np.maximum(1.0 - returns, 0.05), 1.0)
    start = np.full((1, panel.closes.shape[1]), 100.0)
    closes = np.vstack([start, 100.0 * np.cumprod(opposite, axis=0)])
    return replace(panel, closes=np.where(np.isfinite(panel.closes), closes, np.nan))


def load_tapes(
    data: Path, names: Iterable[str], report: Report = print
) -> dict[str, tuple[Tape, TensorTape]]:
    """Return the tapes of these records by name, and make what ``data`` lacks.

    Raises
    ------
    RecordFailed
    """
    wanted = [record for record in RECORDS if record.name in set(names)]
    missing = [
        record for record in wanted if not (data / "records" / f"{record.name}.npz").exists()
    ]
    if missing:
        _make_records(data, missing, report)
    tapes = {}
    for record in wanted:
        report(f"features of {record.name}")
        tape = load_tape(data / "records" / f"{record.name}.npz", data / "tapes")
        tapes[record.name] = (tape, to_tensors(tape))
    return tapes


def _make_records(data: Path, missing: Sequence[RecordSpec], report: Report) -> None:
    panels = {
        panel.name: panel for panel in load_panels(sorted({spec.panel for spec in missing}), data)
    }
    for folder in ("csv", "records"):
        (data / folder).mkdir(parents=True, exist_ok=True)
    for record in missing:
        report(f"decisions of {record.name}")
        panel = panels[record.panel]
        prices = data / "csv" / f"{record.name}.csv"
        write_csv(mirror(panel) if record.mirrored else panel, prices)
        record_decisions(prices, data / "records" / f"{record.name}.npz", short=record.short)


def record_decisions(prices: Path, record: Path, *, short: bool) -> None:
    """Run the allocation service over a price file and write its decisions.

    Raises
    ------
    RecordFailed
    """
    command = [
        sys.executable, "-m", "app.cli", "backtest", "--prices", str(prices),
        "--only", "kelly_smoothed", "--no-outcomes", "--record", str(record),
        "--json", str(record.with_suffix(".json")), *(["--short"] if short else []),
    ]  # fmt: skip
    # numbers of the record depend on nothing that this shell has set for another service
    clean = {key: value for key, value in os.environ.items() if not key.startswith("HIMARI_")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=clean)  # noqa: S603 - our own command line
    if done.returncode:
        raise RecordFailed(f"{prices.name}: {done.stderr.strip()[-500:]}")
