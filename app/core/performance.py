"""Comparison of the policy's returns with Phase 2's: the guide's unpaired one, and a paired one.

Unpaired: the returns of trades that the policy took against those that it did not; they are
different trades, so the difference holds luck as well. Paired: every decision journals both
allocations, so each outcome prices both, and the difference comes from the policy alone.

See docs/concepts.md#does-it-pay.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from app.core.params import PerformanceParams
from app.core.types import FloatArray, IntArray, JsonObject

# Simple return. Far above any real one, and its square is finite, so a report stays finite.
LARGEST_RETURN: Final = 1e100
# Outcomes that can be withdrawn: as many as a strategy's record keeps.
OUTCOMES_KEPT: Final = 2_500
# Blocks drawn at once: 2**18 of them keep every array of a chunk at 2 MB.
CHUNK_BLOCKS: Final = 2**18


@dataclass(slots=True)
class Welford:
    """Running count, mean and sum of squared deviations of simple trade returns.

    References
    ----------
    .. [1] Welford (1962), "Note on a Method for Calculating Corrected Sums of Squares and
       Products", Technometrics 4(3).
    """

    trades: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        """Add one finite simple return in O(1)."""
        self.trades += 1
        delta = value - self.mean
        self.mean += delta / self.trades
        self.squares += delta * (value - self.mean)

    def summary(self) -> JsonObject:
        """Return count, mean, standard deviation (ddof 1) and Sharpe ratio of the trades.

        The deviation is 0.0 below two trades, and the Sharpe ratio where the deviation is 0.0.
        """
        std = math.sqrt(self.squares / (self.trades - 1)) if self.trades > 1 else 0.0
        return {
            "trades": self.trades,
            "mean_return": self.mean,
            "std_return": std,
            "sharpe": self.mean / std if std > 0.0 else 0.0,
        }


class Trades:
    """Returns of one side's trades, the newest of which can be taken back."""

    def __init__(self) -> None:
        self.all = Welford()
        self._older = Welford()
        self._kept: deque[tuple[str | None, str, float]] = deque()

    def add(self, value: float, origin: tuple[str, str] | None) -> None:
        """Add one return; ``origin`` is the decision and symbol by which it can be taken back."""
        self.all.add(value)
        decision_id, symbol = origin or (None, "")
        self._kept.append((decision_id, symbol, value))
        if len(self._kept) > OUTCOMES_KEPT:
            self._older.add(self._kept.popleft()[2])

    def withdraw(self, decision_id: str, symbol: str) -> bool:
        """Take a return back, to the last bit as if it had never been added."""
        rest = [trade for trade in self._kept if trade[:2] != (decision_id, symbol)]
        if len(rest) == len(self._kept):
            return False
        self._kept = deque(rest)
        self._add_up()
        return True

    def _add_up(self) -> None:
        self.all = replace(self._older)
        for *_, value in self._kept:
            self.all.add(value)

    def export(self) -> JsonObject:
        """Return the whole state as JSON-able data."""
        older = [self._older.trades, self._older.mean, self._older.squares]
        return {"older": older, "kept": [list(trade) for trade in self._kept]}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Trades":
        """Rebuild from :meth:`export`'s form."""
        trades = cls()
        count, mean, squares = state["older"]
        trades._older = Welford(int(count), float(mean), float(squares))
        trades._kept = deque((name, symbol, float(value)) for name, symbol, value in state["kept"])
        trades._add_up()
        return trades


def stationary_bootstrap_means(sample: FloatArray, params: PerformanceParams) -> FloatArray:
    r"""Return the means of bootstrap resamples made of blocks of random length.

    A resample of length n is a chain of blocks; each starts anywhere in the sample, runs on
    circularly, and has a length :math:`L \sim \operatorname{Geometric}(1 / b)`; the last one is
    cut at n. Only block sums are needed, so a block costs two look-ups in the running sum of the
    sample laid twice, and a draw costs n / b instead of n.

    Parameters
    ----------
    sample : ndarray of shape (n,), fraction of portfolio value
        In order of time, finite, n >= 1.
    params : PerformanceParams
        ``draws``, ``mean_block`` b in observations (below 1 counts as 1), ``seed``.

    Returns
    -------
    ndarray of shape (draws,), fraction of portfolio value

    References
    ----------
    .. [1] Politis and Romano (1994), "The Stationary Bootstrap", Journal of the American
       Statistical Association 89(428), section 2.
    """
    n = sample.size
    running = np.concatenate([[0.0], np.cumsum(np.concatenate([sample, sample]))])
    generator = np.random.Generator(np.random.PCG64(params.seed))
    restart = min(1.0, 1.0 / params.mean_block)
    columns = _enough_blocks(n, restart)
    rows = max(1, CHUNK_BLOCKS // columns)
    means = np.empty(params.draws)
    for first in range(0, params.draws, rows):
        chunk = means[first : first + rows]
        ends = _block_ends(generator, (chunk.size, columns), restart, n)
        lengths = np.diff(ends, axis=1, prepend=0)
        starts = generator.integers(0, n, size=ends.shape)
        chunk[:] = (running[starts + lengths] - running[starts]).sum(axis=1) / n
    return means


def _enough_blocks(n: int, restart: float) -> int:
    """Return how many blocks cover n observations in all but one of 10^15 draws, at most n."""
    expected = 1.0 + (n - 1) * restart
    spread = math.sqrt((n - 1) * restart * (1.0 - restart))
    return min(n, math.ceil(expected + 8.0 * spread + 8.0))


def _block_ends(
    generator: np.random.Generator, shape: tuple[int, int], restart: float, n: int
) -> IntArray:
    """Return the end of each block of each draw, shape (draws, blocks); the last is at n."""
    lengths = np.minimum(generator.geometric(restart, size=shape), n)
    ends: IntArray = np.minimum(np.cumsum(lengths, axis=1), n)
    ends[:, -1] = n
    return ends


class PerformanceLedger:
    """Returns of the policy against those of Phase 2, unpaired and paired.

    Parameters
    ----------
    params : PerformanceParams
        Window of decisions, least count of pairs, and the bootstrap's numbers.
    """

    def __init__(self, params: PerformanceParams) -> None:
        self._params = params
        self._rl = Trades()
        self._baseline = Trades()
        self._differences: OrderedDict[str, float] = OrderedDict()
        self._baseline_returns: dict[str, float] = {}
        # of the newest decisions: what each symbol added to the two, and its place among all
        self._parts: OrderedDict[str, dict[str, tuple[float, float, int]]] = OrderedDict()
        self._parts_kept = 0
        self._parts_taken = 0
        self._paired: JsonObject | None = None

    def add_unpaired(
        self, trade_return: float, *, used_rl: bool, origin: tuple[str, str] | None = None
    ) -> None:
        """Add the return of one trade to the side that took it.

        Parameters
        ----------
        trade_return : float, simple return of the trade
            Positive is a gain, for shorts too. Clipped to +-1e100.
        used_rl : bool
            Whether the policy's allocation was traded.
        origin : (str, str), optional
            Decision and symbol of the outcome, by which it can be withdrawn.

        Raises
        ------
        ValueError
            If the return is not finite.
        """
        (self._rl if used_rl else self._baseline).add(_usable("trade_return", trade_return), origin)

    def add_paired(
        self, decision_key: str, difference: float, baseline_return: float = 0.0, symbol: str = ""
    ) -> None:
        """Add one symbol's outcome to its decision's difference of portfolio returns.

        Parameters
        ----------
        decision_key : str
            The decision; several calls add up, its place in time is that of the first.
        difference : float, fraction of portfolio value
            Return of the policy's allocation less that of Phase 2's. Clipped to +-1e100.
        baseline_return : float, fraction of portfolio value
            Return of Phase 2's allocation, for the two curves alone. Clipped likewise.
        symbol : str, optional
            By which it can be withdrawn.

        Raises
        ------
        ValueError
            If one of them is not finite.
        """
        usable = _usable("difference", difference)
        baseline = _usable("baseline_return", baseline_return)
        self._keep_part(decision_key, symbol, usable, baseline)
        self._differences[decision_key] = self._differences.get(decision_key, 0.0) + usable
        earlier = self._baseline_returns.get(decision_key, 0.0)
        self._baseline_returns[decision_key] = earlier + baseline
        # more than one where the window was narrowed meanwhile
        while len(self._differences) > self._params.window:
            forgotten, _ = self._differences.popitem(last=False)
            self._baseline_returns.pop(forgotten, None)
            self._parts_kept -= len(self._parts.pop(forgotten, ()))
        self._paired = None

    def _keep_part(
        self, decision_key: str, symbol: str, difference: float, baseline: float
    ) -> None:
        """Keep what one symbol adds, while all of its decision can be told apart."""
        if decision_key not in self._differences:
            self._parts[decision_key] = {}
        if decision_key not in self._parts:
            return
        if not symbol:
            self._parts_kept -= len(self._parts.pop(decision_key))
            return
        self._parts[decision_key][symbol] = (difference, baseline, self._parts_taken)
        self._parts_taken += 1
        self._parts_kept += 1
        while self._parts_kept > OUTCOMES_KEPT and len(self._parts) > 1:
            self._parts_kept -= len(self._parts.popitem(last=False)[1])

    def withdraw(self, decision_id: str, symbol: str) -> bool:
        """Take an outcome out of both comparisons as if it had not been; False where it is not."""
        sides = [side.withdraw(decision_id, symbol) for side in (self._rl, self._baseline)]
        parts = self._parts.get(decision_id, {})
        if parts.pop(symbol, None) is None:
            return any(sides)
        self._parts_kept -= 1
        self._paired = None
        if parts:
            self._differences[decision_id] = _running_sum(part for part, *_ in parts.values())
            self._baseline_returns[decision_id] = _running_sum(each[1] for each in parts.values())
            self._restore_order()
        else:
            del self._parts[decision_id]
            del self._differences[decision_id]
            del self._baseline_returns[decision_id]
        return True

    def _restore_order(self) -> None:
        """Put each decision in the place of its first outcome that is left."""
        first = {key: min(each[2] for each in parts.values()) for key, parts in self._parts.items()}
        for key in sorted(self._parts, key=first.__getitem__):
            self._parts.move_to_end(key)
            self._differences.move_to_end(key)
            self._baseline_returns[key] = self._baseline_returns.pop(key)

    def export(self) -> JsonObject:
        """Return the whole state as JSON-able data, exact to the last bit."""
        return {
            "rl": self._rl.export(),
            "baseline": self._baseline.export(),
            "paired": [[key, value] for key, value in self._differences.items()],
            "paired_baseline": [[key, value] for key, value in self._baseline_returns.items()],
            "parts": [
                [key, [[symbol, *part] for symbol, part in parts.items()]]
                for key, parts in self._parts.items()
            ],
            "parts_taken": self._parts_taken,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace the state by one that :meth:`export` returned."""
        self._rl = Trades.restore(state["rl"])
        self._baseline = Trades.restore(state["baseline"])
        self._differences = OrderedDict((str(key), float(value)) for key, value in state["paired"])
        known = state["paired_baseline"]
        self._baseline_returns = {str(key): float(value) for key, value in known}
        self._parts = OrderedDict(
            (str(key), {symbol: (difference, alone, n) for symbol, difference, alone, n in parts})
            for key, parts in state["parts"]
        )
        self._parts_taken = state["parts_taken"]
        self._parts_kept = sum(map(len, self._parts.values()))
        self._paired = None

    def paired_returns(self) -> list[tuple[float, float]]:
        """Return the returns of the policy's and of Phase 2's allocation, a pair per decision.

        Returns
        -------
        list of (float, float), fractions of portfolio value
            In the order of the decisions.
        """
        baseline = self._baseline_returns
        return [
            (baseline.get(key, 0.0) + difference, baseline.get(key, 0.0))
            for key, difference in self._differences.items()
        ]

    def report(self) -> JsonObject:
        """Return both comparisons in the form that ``GET /performance`` answers.

        Returns
        -------
        dict
            ``rl`` and ``baseline`` (``trades``, ``mean_return``, ``std_return``, ``sharpe``, a
            trade each), ``rl_advantage`` (difference of the means), ``paired`` (``n`` decisions,
            ``mean_difference``, ``ci_low``, ``ci_high`` as fractions of portfolio value a decision,
            ``probability_rl_better``; None below ``min_pairs``) and ``note``, None once data
            suffice. The bootstrap runs only when something new was added.
        """
        if self._paired is None:
            self._paired = self._compare_pairs()
        return {
            "rl": self._rl.all.summary(),
            "baseline": self._baseline.all.summary(),
            "rl_advantage": self._rl.all.mean - self._baseline.all.mean,
            "paired": dict(self._paired),
            "note": self._note(),
        }

    def _compare_pairs(self) -> JsonObject:
        # One step, so that a metrics scrape in another thread meets the dict at rest.
        differences = list(self._differences.values())
        n = len(differences)
        if n < max(1, self._params.min_pairs):
            return {
                "n": n,
                "mean_difference": None,
                "ci_low": None,
                "ci_high": None,
                "probability_rl_better": None,
            }
        sample = np.array(differences, dtype=np.float64)
        means = stationary_bootstrap_means(sample, self._params)
        tail = (1.0 - self._params.level) / 2.0
        low, high = np.quantile(means, [tail, 1.0 - tail])
        better = np.count_nonzero(means > 0.0) + 0.5 * np.count_nonzero(means == 0.0)
        return {
            "n": n,
            "mean_difference": float(sample.mean()),
            "ci_low": float(low),
            "ci_high": float(high),
            "probability_rl_better": float(better / means.size),
        }

    def _note(self) -> str | None:
        n, least = len(self._differences), self._params.min_pairs
        if n >= least:
            return None
        return (
            f"the paired comparison needs {least} decisions with outcomes and has {n}; "
            "send outcomes with their decision_id"
        )


def _usable(name: str, value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, was {value!r}")
    return min(max(float(value), -LARGEST_RETURN), LARGEST_RETURN)


def _running_sum(values: Iterable[float]) -> float:
    """Add up from zero in order, as :meth:`PerformanceLedger.add_paired` does call by call."""
    total = 0.0
    for value in values:
        total += value
    return total
