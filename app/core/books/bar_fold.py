"""Fold of observations into bars: values move, bars close, both EWMAs learn their returns.

See docs/concepts.md#bars.
"""

import math
from typing import Final

import numpy as np

from app.core.books.bars import BarClock, BarReturns
from app.core.books.columns import NEVER, SymbolColumns
from app.core.params import MarketParams
from app.core.types import BoolArray, FloatArray, IntArray

# A return beyond 8 volatilities is a bad tick or a split sooner than a market, and one such
# square would rule the variance for a hundred bars.
CLIP_SIGMAS: Final = 8.0
CLIP_FROM: Final = 20
# beyond these a square, or what many returns compound to, is no number any more
_MOST_MOVE: Final = 1e150
_MOST_COMPOUND: Final = 1e300


class BarFold:
    """Moves the open bar of each symbol and closes it when an observation of a later one comes.

    Parameters
    ----------
    columns : SymbolColumns
        What it changes.
    clock : BarClock
    params : MarketParams
    """

    def __init__(self, columns: SymbolColumns, clock: BarClock, params: MarketParams) -> None:
        self._columns = columns
        self._clock = clock
        self._params = params

    # -- moving --------------------------------------------------------------------------------

    def take_prices(
        self, rows: IntArray, prices: FloatArray, at_ns: int, continuous: BoolArray
    ) -> BoolArray:
        """Take one believed price a row; return where a return is told as clipped.

        A price moves the open bar from the last one, unless returns were posted since that or in
        this bar, or no bar before it has a value: then it sets the level. One that was believed
        only because a run confirmed it sets the level too, and its bar has no return.

        Parameters
        ----------
        rows : int array of shape (n,)
        prices : ndarray of shape (n,), USD a unit, > 0
        at_ns : int
            Newer than the last price of each row.
        continuous : bool array of shape (n,)
            Where the price did not need a run.
        """
        columns = self._columns
        edge = self._open(rows, at_ns)
        last, covered = columns.price_ns[rows], columns.covered_ns[rows]
        with np.errstate(over="ignore"):
            change = prices / columns.price[rows] - 1.0
        moves: BoolArray = (
            continuous & np.isfinite(change) & (covered <= last) & (covered < at_ns)
        ) & (columns.base_ns[rows] < edge)
        moves &= ~columns.by_returns[rows]
        columns.price[rows] = columns.value[rows] = prices
        columns.price_ns[rows] = at_ns
        columns.value_ns[rows] = np.maximum(columns.value_ns[rows], at_ns)
        if moves.all():
            self._move(rows, change, at_ns)
            return self._tell_clipped(rows)
        self._move(rows[moves], change[moves], at_ns)
        columns.moved[rows[~continuous]] = False
        set_only = rows[~moves]
        unmoved = set_only[~columns.moved[set_only]]
        columns.base_ns[unmoved] = columns.value_ns[unmoved]
        return self._tell_clipped(rows) & moves

    def take_returns(self, rows: IntArray, returns: FloatArray, at_ns: int) -> BoolArray:
        """Take one posted return a row; return where it is told as clipped.

        Parameters
        ----------
        rows : int array of shape (n,)
        returns : ndarray of shape (n,), simple, finite
        at_ns : int
            Newer than what the moves of each row cover.
        """
        columns = self._columns
        self._step_back(rows, at_ns)
        unknown = columns.value_ns[rows] == NEVER
        edge = self._open(rows, at_ns)
        # without a value in a bar before it, the return is taken as of one bar
        first = rows[unknown | (columns.base_ns[rows] >= edge)]
        columns.base_ns[first] = at_ns - self._clock.bar_ns
        fresh = rows[~columns.by_returns[rows]]
        columns.move[fresh], columns.by_returns[fresh] = 0.0, True
        columns.value_ns[rows] = np.maximum(columns.value_ns[rows], at_ns)
        with np.errstate(over="ignore", invalid="ignore"):
            columns.value[rows] = columns.value[rows] * (1.0 + returns)
        self._move(rows, returns, at_ns)
        return self._tell_clipped(rows)

    def _step_back(self, rows: IntArray, at_ns: int) -> None:
        """Let the past come after the present: returns of before the only price of a symbol."""
        columns = self._columns
        edge = self._clock.starts_at(self._clock.bar_of(at_ns))
        covered = columns.covered_ns[rows]
        late = (columns.value_ns[rows] > at_ns) & ~columns.moved[rows]
        late &= (covered == NEVER) | (covered < edge)
        if late.any():
            columns.value_ns[rows[late]] = columns.base_ns[rows[late]] = covered[late]

    def _move(self, rows: IntArray, returns: FloatArray, at_ns: int) -> None:
        """Compound returns into the open bars; the first of a bar stays what it is."""
        columns = self._columns
        before = columns.move[rows]
        with np.errstate(over="ignore"):
            compound = before + returns + before * returns
        columns.move[rows] = np.clip(compound, -_MOST_COMPOUND, _MOST_COMPOUND)
        columns.covered_ns[rows] = at_ns
        columns.moved[rows] = True

    def _open(self, rows: IntArray, at_ns: int) -> int:
        """Close the open bars that end before a stamp; return the start of its own, open then."""
        columns = self._columns
        edge = self._clock.starts_at(self._clock.bar_of(at_ns))
        over: BoolArray = columns.value_ns[rows] < edge
        if over.any():
            ended = rows[over]
            self._close(ended[columns.moved[ended]])
            columns.base_ns[ended] = columns.value_ns[ended]
            columns.move[ended] = 0.0
            for flag in (columns.moved, columns.by_returns, columns.told, columns.inside):
                flag[ended] = False
        if not self._clock.is_near_edge(at_ns):
            columns.inside[rows] = True
        return edge

    def _close(self, rows: IntArray) -> None:
        """Learn the returns of bars that are over."""
        if not len(rows):
            return
        columns = self._columns
        returns, tau = self._measured(rows)
        for sums, weights, share in self._folds(tau):
            square = _square(returns, tau)
            sums[rows] += share * (square - sums[rows])
            weights[rows] += share * (1.0 - weights[rows])
        columns.push(rows, returns)
        columns.count[rows] += 1
        fast = _ratio(columns.fast_sum[rows], columns.fast_weight[rows])
        slow = _ratio(columns.slow_sum[rows], columns.slow_weight[rows])
        variance = np.maximum(fast, slow)
        known = (columns.count[rows] >= CLIP_FROM) & (variance > 0.0)
        columns.bound[rows] = np.where(known, CLIP_SIGMAS * np.sqrt(variance), np.inf)
        columns.still[rows] = np.where(returns == 0.0, columns.still[rows] + 1, 0)
        columns.edges[rows] = np.where(columns.inside[rows], 0, columns.edges[rows] + 1)

    # -- reading -------------------------------------------------------------------------------

    def open_returns(self, rows: IntArray) -> BarReturns:
        """Return what the open bar of each row has moved so far, clipped."""
        columns = self._columns
        returns, tau = self._measured(rows)
        begins = self._clock.bars_of(columns.base_ns[rows])
        ends = self._clock.bars_of(columns.value_ns[rows])
        return BarReturns(returns, tau, begins, ends, columns.moved[rows])

    def counts(self, rows: IntArray) -> IntArray:
        """Return how many returns were ever taken, that of the open bar included."""
        return self._columns.count[rows] + self._columns.moved[rows]

    def volatilities(self, rows: IntArray) -> FloatArray:
        """Return the larger EWMA volatility of a bar of each row; 0 where nothing moved yet.

        The return of the open bar counts, with the time that it covers.
        """
        returns, tau = self._measured(rows)
        square = _square(returns, tau)
        moved = self._columns.moved[rows]
        variance = np.zeros(len(rows))
        for sums, weights, share in self._folds(tau):
            own = np.where(moved, share, 0.0)
            total = sums[rows] + own * (square - sums[rows])
            weight = weights[rows] + own * (1.0 - weights[rows])
            variance = np.maximum(variance, _ratio(total, weight))
        root: FloatArray = np.sqrt(variance)
        return root

    def _folds(self, tau: FloatArray) -> tuple[tuple[FloatArray, FloatArray, FloatArray], ...]:
        """Return S, W and the weight 1 - L^tau of a return, of both EWMAs."""
        columns, params = self._columns, self._params
        return (
            (columns.fast_sum, columns.fast_weight, decayed(params.volatility_decay, tau)),
            (columns.slow_sum, columns.slow_weight, decayed(params.slow_decay, tau)),
        )

    def _measured(self, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the clipped return of each open bar and the time it covers."""
        columns = self._columns
        tau = self._clock.tau(columns.base_ns[rows], columns.value_ns[rows])
        returns, bounds = columns.move[rows], self._bounds(rows, tau)
        return np.clip(returns, -bounds, bounds), tau

    def _bounds(self, rows: IntArray, tau: FloatArray) -> FloatArray:
        """Return the largest |return| that counts as it is; infinite while unknown."""
        bounds: FloatArray = self._columns.bound[rows] * np.sqrt(tau)
        return bounds

    def _tell_clipped(self, rows: IntArray) -> BoolArray:
        """Return where the open bar is clipped and was not told yet; it is told then."""
        columns = self._columns
        tau = self._clock.tau(columns.base_ns[rows], columns.value_ns[rows])
        beyond: BoolArray = np.abs(columns.move[rows]) > self._bounds(rows, tau)
        if not beyond.any():
            return beyond
        told: BoolArray = beyond & columns.moved[rows] & ~columns.told[rows]
        if told.any():
            columns.told[rows[told]] = True
        return told


def decayed(decay: float, tau: FloatArray) -> FloatArray:
    r"""Return the weight :math:`1 - \lambda^\tau` of what covers tau bars, same shape."""
    weight: FloatArray = -np.expm1(math.log(decay) * tau)
    return weight


def standardised(returns: FloatArray, tau: FloatArray) -> FloatArray:
    r"""Return :math:`r / \sqrt{\tau}`, within what can be squared, same shape."""
    return np.clip(returns / np.sqrt(tau), -_MOST_MOVE, _MOST_MOVE)


def _square(returns: FloatArray, tau: FloatArray) -> FloatArray:
    square: FloatArray = np.square(standardised(returns, tau))
    return square


def _ratio(total: FloatArray, weight: FloatArray) -> FloatArray:
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 0.0)
