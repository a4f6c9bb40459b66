"""From options to written files."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import orjson

from app.backtest.options import LEARNED, POLICIES, BacktestOptions
from app.backtest.page import write_page
from app.backtest.report import format_table, results_json
from app.backtest.results import Results, find_results
from app.backtest.returns_csv import write_returns
from app.backtest.session import Backtest, Played
from app.backtest.tape import Tape
from app.core.errors import HimariError
from app.history.gain import require_bootstrap
from app.history.prices import read_price_csv
from app.history.quality import PanelQuality, measure_quality, without_empty
from app.processes.service import sigterm_as_exit
from app.settings import Settings

IN_FALLBACK: Final = "not played: --mode fallback asks no learned policy"
NOT_ASKED: Final = "not played: not named by --only"


class NotWritable(HimariError):
    """A result cannot be written where it was asked for."""


def run(options: BacktestOptions, settings: Settings) -> str:
    """Play every policy asked for and write what was found.

    Parameters
    ----------
    options : BacktestOptions
    settings : Settings
        Of the service: limits and the pipeline's other numbers.

    Returns
    -------
    str
        The table for the terminal.

    Raises
    ------
    HimariError
        In one sentence: prices missing or invalid, too few days, no server, not writable.
    """
    if any(name in LEARNED for name in options.names):
        require_bootstrap()
    panel = read_price_csv(options.prices, options.column)
    tape = Tape(without_empty(panel))
    with _saying_why():
        for path in options.written:
            _make_room(path)
    with sigterm_as_exit():
        backtest = Backtest(tape, options, settings)
        results = _play(backtest, measure_quality(panel))
    with _saying_why():
        _write(results, backtest)
    return format_table(results, options)


def _play(backtest: Backtest, quality: PanelQuality) -> Results:
    options = backtest.options
    played: dict[str, Played] = {}
    notes: dict[str, str] = {}
    for name in POLICIES:
        if name not in options.names:
            hidden = options.mode == "fallback" and name in LEARNED
            notes[name] = IN_FALLBACK if hidden else NOT_ASKED
            continue
        one, why_not = backtest.play(name)
        if one is not None:
            played[name] = one
        if why_not is not None:
            notes[name] = f"not played: {why_not}"
    rows = backtest.rows
    dates = backtest.tape.panel.dates[rows.start : rows.stop + 1]
    return find_results(dates, backtest.periods, played, notes, quality)


def _write(results: Results, backtest: Backtest) -> None:
    options, params = backtest.options, backtest.params
    found = results_json(results, options, params)
    options.json_path.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    if options.html_path is not None:
        options.html_path.write_text(write_page(results, options, params), "utf-8")
    if options.returns_path is not None:
        options.returns_path.write_text(write_returns(results), "utf-8")
    if options.record_path is not None and backtest.record is not None:
        backtest.record.write(options.record_path, backtest.rows)


def _make_room(path: Path) -> None:
    """Make the file's directory, and look before minutes of simulation whether it can be there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))


@contextmanager
def _saying_why() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotWritable(f"cannot write {error.filename}: {error.strerror}") from error
