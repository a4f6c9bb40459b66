"""``himari backtest``: closes of any instruments through the pipeline, against benchmarks.

The way of a backtest, a line per step with its file::

    options.py     what is asked, and what is refused
    tape.py        the panel day by day: prices, textbook signals, outcomes
    sizer.py       the pipeline of /allocate and /outcomes, in process
    learned.py     the servers behind the learned policies, our own or a given one
    benchmarks.py  equal weight and volatility target under the same caps and smoothing
    simulate.py    one policy through the days: mark, decide, trade, pay, learn
    record.py      what training reads
    figures.py     Sharpe, Sortino, drawdown, Calmar of daily returns
    session.py     the policies in order, on the same days
    results.py     figures by policy, year and fold
    data.py        what the price file has besides prices
    report.py      the JSON and the terminal's table
    chart.py       line charts as inline SVG
    page.py        the HTML page, with style.py
    returns_csv.py daily returns as CSV
    run.py         from options to written files

Prices, strategies, processes and the bootstrap of the gain are those of ``app/demo``, which knows
nothing of backtests.
"""

from app.backtest.options import BacktestOptions
from app.backtest.run import run

__all__ = ["BacktestOptions", "run"]
