"""``himari backtest``: a price file through the pipeline, and what came out."""

from typer import echo

from app.backtest import BacktestOptions, run
from app.facade.host_log import log_through_the_host
from app.settings import load_settings


def backtest(options: BacktestOptions) -> int:
    """Run a backtest with the service's own settings and print its table.

    Returns
    -------
    int
        0.

    Raises
    ------
    SettingsError
        If a setting is unknown or out of range.
    HimariError
        In one sentence: prices missing or invalid, too few days, no server, not writable.
    """
    log_through_the_host()
    echo(run(options, load_settings()))
    for path in options.written:
        echo(f"written: {path}")
    return 0
