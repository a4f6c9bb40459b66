r"""Two benchmarks without signals, under the pipeline's caps, smoothing and costs; long only.

Equal weight aims at :math:`\min(cap, gross / n)` of each of the n symbols with a price. Volatility
target aims at weights in proportion to 1 / volatility, scaled so that the portfolio's predicted
volatility is 10 % a year, then cut by the same caps and gross limit.
"""

import math
from collections.abc import Mapping
from typing import Final, Protocol

import numpy as np

from app.backtest.tape import MarketDay
from app.core.params import LimitParams
from app.core.types import BoolArray, FloatArray
from app.history.market import DAILY_DECAY, VOLATILITY_FLOOR, VOLATILITY_MIN_RETURNS

ANNUAL_VOLATILITY: Final = 0.10


class Aim(Protocol):
    """Wanted weights from the closes so far."""

    def see(self, closes: FloatArray) -> None:
        """Take the closes of the next day, (n_symbols,), NaN where there is none."""
        ...

    def weights(self) -> FloatArray:
        """Wanted weights after that day, (n_symbols,), >= 0, before caps."""
        ...


class Benchmark:
    """Trades slowly towards an aim.

    Parameters
    ----------
    symbols : tuple of str
    aim : Aim
    limits : LimitParams
        Cap of a symbol and of the gross.
    span : float
        EWMA span of weights, >= 1.
    """

    def __init__(
        self, symbols: tuple[str, ...], aim: Aim, limits: LimitParams, *, span: float
    ) -> None:
        self._symbols = symbols
        self._aim = aim
        self._limits = limits
        self._step = 2.0 / (span + 1.0)

    def watch(self, day: MarketDay) -> None:
        """See a day before the first decision."""
        self._aim.see(self._column(day.prices))

    def learn(self, day: MarketDay) -> None:
        """Nothing: outcomes teach a benchmark nothing."""

    async def close(self) -> None:
        """Nothing is held."""

    async def targets(
        self, day: MarketDay, value_usd: float, held: Mapping[str, float]
    ) -> dict[str, float]:
        """Signed target quantities of the symbols that have a price."""
        self.watch(day)
        marks = self._column(day.marks)
        current = np.array([held.get(symbol, 0.0) for symbol in self._symbols])
        current = np.nan_to_num(current * marks / value_usd)
        priced = np.array([symbol in day.prices for symbol in self._symbols])
        weights = self._settled(current, priced)
        return {
            symbol: weight * value_usd / day.prices[symbol]
            for symbol, weight in zip(self._symbols, weights.tolist(), strict=True)
            if symbol in day.prices
        }

    def _settled(self, current: FloatArray, priced: BoolArray) -> FloatArray:
        cap, gross = self._limits.max_position_pct, self._limits.max_portfolio_pct
        aim = within(np.where(priced, self._aim.weights(), 0.0), cap, gross)
        moved = current + self._step * (aim - current)
        # what has no price today cannot be traded, and leaves less room to the rest
        stuck = float(current[~priced].sum())
        return within(np.where(priced, moved, 0.0), cap, max(0.0, gross - stuck))

    def _column(self, named: Mapping[str, float]) -> FloatArray:
        return np.array([named.get(symbol, np.nan) for symbol in self._symbols])


def within(weights: FloatArray, cap: float, gross: float) -> FloatArray:
    """Clip each weight to the cap, then scale all by one factor to the gross limit."""
    clipped = np.minimum(weights, cap)
    total = float(clipped.sum())
    scaled: FloatArray = clipped if total <= gross else clipped * (gross / total)
    return scaled


class EqualWeight:
    """The gross limit, shared equally among the symbols with a price."""

    def __init__(self, gross: float) -> None:
        self._gross = gross
        self._priced: BoolArray = np.zeros(0, dtype=np.bool_)

    def see(self, closes: FloatArray) -> None:
        """Note which symbols have a price."""
        self._priced = np.isfinite(closes)

    def weights(self) -> FloatArray:
        """Equal parts of the gross limit."""
        part = self._gross / max(1, int(self._priced.sum()))
        shared: FloatArray = np.where(self._priced, part, 0.0)
        return shared


class VolatilityTarget:
    r"""Inverse volatility, scaled to a volatility of the whole.

    .. math:: w = \frac{\sigma_{target}}{\sqrt{v' \Sigma v}} v, \qquad v_j = 1 / \sigma_j

    with an EWMA covariance about zero (decay 0.94 a day); a symbol takes part from 20 returns on.

    Parameters
    ----------
    n_symbols : int
    periods : float
        Observations a year.
    """

    def __init__(self, n_symbols: int, periods: float) -> None:
        self._target = ANNUAL_VOLATILITY / math.sqrt(periods)
        self._before = np.full(n_symbols, np.nan)
        self._count = np.zeros(n_symbols, dtype=np.int64)
        self._sum = np.zeros((n_symbols, n_symbols))
        self._mass = np.zeros((n_symbols, n_symbols))

    def see(self, closes: FloatArray) -> None:
        """Learn a day's returns; a pair moves on only when both symbols have one."""
        returns = closes / self._before - 1.0
        fresh = np.isfinite(returns)
        both = np.outer(fresh, fresh)
        known = np.where(fresh, returns, 0.0)
        kept = np.where(both, DAILY_DECAY, 1.0)
        self._sum = kept * self._sum + np.outer(known, known)
        self._mass = kept * self._mass + both
        self._count += fresh
        self._before = closes

    def weights(self) -> FloatArray:
        """Weights whose predicted volatility is the target's; 0 where too little is known."""
        covariance = self._sum / np.maximum(self._mass, 1.0)
        volatility = np.maximum(np.sqrt(np.diag(covariance)), VOLATILITY_FLOOR)
        inverse: FloatArray = np.where(self._count >= VOLATILITY_MIN_RETURNS, 1.0 / volatility, 0.0)
        risk = math.sqrt(max(float(inverse @ covariance @ inverse), 0.0))
        scaled: FloatArray = inverse * (self._target / risk) if risk > 0.0 else inverse * 0.0
        return scaled
