"""``himari demo``: real prices played through a real service over HTTP.

The way of a demo, a line per step with its file::

    prices.py      daily closes of 20 US stocks, from an installed package's data file
    market.py      volatility, regime and stress, from the past only
    strategies.py  momentum and reversal signals, from the past only
    scenario.py    the days in wire form, the same for every run
    servers.py     the service as its own process on loopback, always stopped
    inference.py   the inference server beside it
    policy.py      the policy against Phase 2
    gain.py        Sharpe gain with its bootstrap interval
    play.py        one run: ask, check, trade, post outcomes back
    referee.py     the contract's limits, checked from outside
    ledger.py      cash, quantities, costs; the equal-weight benchmark
    summary.py     counts and figures; the comparison with Phase 2
    report.py      the table and its JSON
    picture.py     the PNG
    session.py     the four runs in order, and the exit code
    guide.py       the guide's example, in process
"""

from app.demo.session import DemoOptions, run

__all__ = ["DemoOptions", "run"]
