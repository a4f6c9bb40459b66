"""One policy through the days: mark to market, decide, trade at the close, pay, learn."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from app.backtest.tape import MarketDay, Tape
from app.core.errors import HimariError
from app.core.types import FloatArray
from app.history.account import BPS, Ledger

Progress = Callable[[Iterable[int]], Iterable[int]]


class PortfolioRuined(HimariError):
    """The portfolio lost everything, so weights mean nothing any more."""


class DailyPolicy(Protocol):
    """Whatever decides once a day."""

    async def targets(
        self, day: MarketDay, value_usd: float, held: Mapping[str, float]
    ) -> Mapping[str, float]:
        """Signed target quantities; symbols not named stay as they are."""
        ...

    def watch(self, day: MarketDay) -> None:
        """See a day before the first decision."""
        ...

    def learn(self, day: MarketDay) -> None:
        """See how the day turned out; called before the next decision."""
        ...

    async def close(self) -> None:
        """Release what the policy holds; it decides no more."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a policy trades and learns.

    ``delay`` is in closes between decision and trade; without ``outcomes`` it never gets the
    outcomes of its days.
    """

    portfolio_value_usd: float
    cost_bps: float
    delay: int = 0
    outcomes: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """What one policy did on n decision days.

    Parameters
    ----------
    rows : range of length n
        Of the panel.
    equity_usd : ndarray of shape (n + 1,)
        At each close before that close's trades, and at the close after the last decision.
    traded_usd : ndarray of shape (n,)
        Notional traded at each close, >= 0.
    weights : ndarray of shape (n, n_symbols), signed fraction of portfolio value
        Held after each close's trades.
    cost_bps : float
    """

    rows: range
    equity_usd: FloatArray
    traded_usd: FloatArray
    weights: FloatArray
    cost_bps: float

    @property
    def returns(self) -> FloatArray:
        """Simple returns net of cost, close to close, (n,)."""
        net: FloatArray = self.equity_usd[1:] / self.equity_usd[:-1] - 1.0
        return net

    @property
    def turnover(self) -> FloatArray:
        """Traded notional over portfolio value, (n,)."""
        share: FloatArray = self.traded_usd / self.equity_usd[:-1]
        return share

    @property
    def cost_pct(self) -> FloatArray:
        """Cost of each day's trades over portfolio value, (n,)."""
        paid: FloatArray = self.turnover * self.cost_bps * BPS
        return paid

    def since(self, row: int) -> "Run":
        """Cut the days before ``row`` off and start with the same equity as the whole run."""
        skip = row - self.rows.start
        scale = self.equity_usd[0] / self.equity_usd[skip]
        return Run(
            rows=self.rows[skip:],
            equity_usd=self.equity_usd[skip:] * scale,
            traded_usd=self.traded_usd[skip:] * scale,
            weights=self.weights[skip:],
            cost_bps=self.cost_bps,
        )


async def simulate(
    policy: DailyPolicy, tape: Tape, rows: range, terms: Terms, progress: Progress = iter
) -> Run:
    """Play one policy over rows of a tape, from cash.

    Parameters
    ----------
    policy : DailyPolicy
        Sees the rows before the first one without deciding.
    tape : Tape
    rows : range
        Days to decide on; the row after the last one must exist.
    terms : Terms
    progress : callable, optional
        Wraps the rows to show progress.

    Raises
    ------
    PortfolioRuined
        If the portfolio value falls to zero or below.
    """
    for row in range(rows.start):
        policy.watch(tape.day(row))
    ledger = Ledger(terms.portfolio_value_usd, terms.cost_bps)
    equity, traded = np.empty(len(rows) + 1), np.zeros(len(rows))
    weights = np.zeros((len(rows), len(tape.panel.symbols)))
    waiting: Mapping[str, float] = {}
    for place, row in enumerate(progress(rows)):
        day = tape.day(row)
        equity[place] = ledger.value_usd(day.marks)
        if terms.delay:
            traded[place] = ledger.trade_to(waiting, day.marks)
        value = ledger.value_usd(day.marks)
        if not value > 0.0:
            raise PortfolioRuined(
                f"the portfolio lost everything by {tape.panel.dates[row]}, was {value:.2f} USD"
            )
        waiting = await policy.targets(day, value, ledger.quantities)
        if not terms.delay:
            traded[place] = ledger.trade_to(waiting, day.marks)
        weights[place] = _held_weights(ledger, day.marks, tape.panel.symbols)
        if terms.outcomes:
            policy.learn(day)
    await policy.close()
    equity[-1] = ledger.value_usd(tape.day(rows.stop).marks)
    return Run(rows, equity, traded, weights, terms.cost_bps)


def _held_weights(
    ledger: Ledger, marks: Mapping[str, float], symbols: tuple[str, ...]
) -> FloatArray:
    held = ledger.quantities
    usd = [held[symbol] * marks[symbol] if symbol in held else 0.0 for symbol in symbols]
    return np.array(usd) / ledger.value_usd(marks)
