"""Comparison of the policy's returns with Phase 2's: the guide's unpaired one, and a paired one.

Unpaired: the returns of trades that the policy took against those that it did not; they are
different trades, so the difference holds luck as well. Paired: every decision journals both
allocations, so each outcome prices both, and the difference comes from the policy alone.

See docs/concepts.md#does-it-pay.
"""

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from app.core.params import PerformanceParams
from app.core.types import FloatArray, IntArray, JsonObject

# Simple return. Far above any real one, and its square is finite, so a report stays finite.
LARGEST_RETURN: Final = 1e100
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
        self._rl = Welford()
        self._baseline = Welford()
        self._differences: OrderedDict[str, float] = OrderedDict()
        self._baseline_returns: dict[str, float] = {}
        self._paired: JsonObject | None = None

    def add_unpaired(self, trade_return: float, used_rl: bool) -> None:  # noqa: FBT001 (the wire's own field, always given)
        """Add the return of one trade to the side that took it.

        Parameters
        ----------
        trade_return : float, simple return of the trade
            Positive is a gain, for shorts too. Clipped to +-1e100.
        used_rl : bool
            Whether the policy's allocation was traded.

        Raises
        ------
        ValueError
            If the return is not finite.
        """
        (self._rl if used_rl else self._baseline).add(_usable("trade_return", trade_return))

    def add_paired(
        self, decision_key: str, difference: float, baseline_return: float = 0.0
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

        Raises
        ------
        ValueError
            If one of them is not finite.
        """
        usable = _usable("difference", difference)
        baseline = _usable("baseline_return", baseline_return)
        self._differences[decision_key] = self._differences.get(decision_key, 0.0) + usable
        earlier = self._baseline_returns.get(decision_key, 0.0)
        self._baseline_returns[decision_key] = earlier + baseline
        # more than one where the window was narrowed meanwhile
        while len(self._differences) > self._params.window:
            forgotten, _ = self._differences.popitem(last=False)
            self._baseline_returns.pop(forgotten, None)
        self._paired = None

    def export(self) -> JsonObject:
        """Return the whole state as JSON-able data, exact to the last bit."""
        return {
            "rl": [self._rl.trades, self._rl.mean, self._rl.squares],
            "baseline": [self._baseline.trades, self._baseline.mean, self._baseline.squares],
            "paired": [[key, value] for key, value in self._differences.items()],
            "paired_baseline": [[key, value] for key, value in self._baseline_returns.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace the state by one that :meth:`export` returned."""
        self._rl = _welford(state["rl"])
        self._baseline = _welford(state["baseline"])
        self._differences = OrderedDict((str(key), float(value)) for key, value in state["paired"])
        # a state of before there were curves has none
        known = state.get("paired_baseline", ())
        self._baseline_returns = {str(key): float(value) for key, value in known}
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
            "rl": self._rl.summary(),
            "baseline": self._baseline.summary(),
            "rl_advantage": self._rl.mean - self._baseline.mean,
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


def _welford(state: Sequence[float]) -> Welford:
    trades, mean, squares = state
    return Welford(int(trades), float(mean), float(squares))
