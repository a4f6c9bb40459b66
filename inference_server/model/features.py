r"""Build the scale-free features of one request, the same for training and serving.

Everything is measured from the side of the baseline: with s = +1 for a long and -1 for a short
baseline, a symbol's path is its sided returns :math:`x_t = s\,r_t`. Prices that are mirrored
(:math:`r \to -r`) together with the baseline therefore give the same features, so that nothing
can be learnt from the drift of a market as such. A request is known whole, so a symbol also sees
the mean and the spread of its neighbours; with fewer than five of them those features are 0.
Only returns up to now enter: the features are causal by construction.

References
----------
.. [1] Moskowitz, Ooi, Pedersen (2012), "Time series momentum", Journal of Financial
   Economics 104(2), 228-250.
.. [2] Lehmann (1990), "Fads, Martingales, and Market Efficiency", Quarterly Journal of
   Economics 105(1), 1-28.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

WINDOW: Final = 256
STEPS: Final = 64
# symbols below which no cross-section is computed
MIN_NEIGHBOURS: Final = 5

_DECAY: Final = 0.94
_TINY: Final = 1e-9
_SPANS: Final = (2, 5, 10, 20, 60, 120, 250)
_PERSISTENCE: Final = ((20, 20), (20, 60), (60, 60), (60, 120), (120, 120))
_CROSS: Final = (5, 20, 60, 250)
_MARKET: Final = (5, 20, 60, 250)
# how many of the last days each span's momentum is looked at on
_DAYS: Final = {2: 1, 5: 1, 10: 1, 20: STEPS, 60: 120, 120: 120, 250: 1}

OWN: Final = (
    *(f"momentum_{span}" for span in _SPANS),
    *(f"persistence_{span}_{over}" for span, over in _PERSISTENCE),
    "volatility_5_60",
    "volatility_20_250",
    "volatility_ewma_60",
    "volatility_60_250",
    "efficiency_20",
    "efficiency_250",
    "below_peak_250",
    "above_trough_250",
    "skewness_60",
    "largest_5",
    "size",
    "offset",
    "edge",
    "agreement",
    "confidence",
    "weight",
    "held",
    "held_squared",
)
NEIGHBOURS: Final = (
    *(f"cross_section_{span}" for span in _CROSS),
    *(f"market_{span}" for span in _MARKET),
    "market_volatility",
    "market_correlation",
    "relative_weight",
    "relative_volatility",
)
FEATURES: Final = (*OWN, *NEIGHBOURS)
CHANNELS: Final = ("return", "absolute", "volatility", "momentum_20", "momentum_60", "market")


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """One request by symbol; every array has n_symbols rows.

    Attributes
    ----------
    returns : ndarray of shape (n, 256), simple returns
        Oldest first, the newest in the last column; shorter histories are led by zeros.
    baseline, current : ndarray of shape (n,), signed fraction of portfolio value
    long_size, short_size : ndarray of shape (n,), fraction of portfolio value, >= 0
        Largest claim c mu / sigma^2 of the buys, and of the sells; 0 without one.
    edge : ndarray of shape (n,), standard deviations per horizon, >= 0
        Largest claim c mu / sigma on the baseline's side.
    agreement : ndarray of shape (n,), in [-1, 1]
        Mean direction of the symbol's signals, seen from the baseline's side.
    confidence : ndarray of shape (n,), in [0, 1]
        Mean confidence of the symbol's signals.
    """

    returns: Array
    baseline: Array
    current: Array
    long_size: Array
    short_size: Array
    edge: Array
    agreement: Array
    confidence: Array

    @property
    def side(self) -> Array:
        """+1 for a long or absent baseline, -1 for a short one, shape (n,)."""
        return np.where(self.baseline < 0.0, -1.0, 1.0)


def _decay_weights(length: int, columns: int) -> Array:
    """Weights (length, columns) whose column c averages the rows up to length - columns + c."""
    age = (length - columns + np.arange(columns))[None, :] - np.arange(length)[:, None]
    weights = np.where(age >= 0, _DECAY ** np.maximum(age, 0), 0.0)
    normed: Array = weights / weights.sum(axis=0)
    return normed


_EWMA: Final = _decay_weights(WINDOW, WINDOW)


def build_features(book: Book) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Build the model inputs of each symbol of one request.

    Parameters
    ----------
    book : Book of n symbols

    Returns
    -------
    features : ndarray of shape (n, len(FEATURES)), float32
    path : ndarray of shape (n, 64, len(CHANNELS)), float32
        The last 64 days, oldest first.
    """
    with np.errstate(all="ignore"):
        paths = _Paths.of(book)
        scores = {span: paths.scores(span, days) for span, days in _DAYS.items()}
        own = [*_momenta(scores), *_persistences(scores), *_shapes(paths), *_claims(book, paths)]
        neighbours = _neighbours(book, paths, scores)
        return _stacked([*own, *neighbours]), _stacked(_steps(paths, scores))


def _stacked(columns: Sequence[Array]) -> NDArray[np.float32]:
    stacked = np.stack(columns, axis=-1, dtype=np.float32, casting="same_kind")
    unknown = ~np.isfinite(stacked)
    if unknown.any():
        stacked[unknown] = 0.0
    return stacked


@dataclass(frozen=True, slots=True, eq=False)
class _Paths:
    """Sided paths: ``sigma`` is the EWMA volatility as of each day, ``total`` starts at 0.

    ``scaled`` are the unsided returns by the volatility of the day before.
    """

    side: Array
    returns: Array
    sided: Array
    total: Array
    sigma: Array
    scaled: Array

    @staticmethod
    def of(book: Book) -> "_Paths":
        returns = book.returns.astype(np.float64)
        side = book.side
        sided = returns * side[:, None]
        total = np.zeros((len(side), WINDOW + 1))
        np.cumsum(sided, axis=1, out=total[:, 1:])
        sigma = np.sqrt(np.square(returns) @ _EWMA) + _TINY
        before = np.concatenate([sigma[:, :1], sigma[:, :-1]], axis=1)
        return _Paths(side, returns, sided, total, sigma, _clip(returns / before, 5.0))

    def gain(self, span: int) -> Array:
        """Sum of the last ``span`` sided returns, shape (n,)."""
        gained: Array = self.total[:, -1] - self.total[:, -1 - span]
        return gained

    def scores(self, span: int, over: int) -> Array:
        """Momentum over ``span`` days in volatilities, on each of the last ``over`` days."""
        ends = self.total[:, -over:]
        starts = self.total[:, -over - span : WINDOW + 1 - span]
        return _clip((ends - starts) / (self.sigma[:, -over:] * span**0.5), 4.0)

    def deviation(self, span: int) -> Array:
        """Root mean square of the last ``span`` returns, shape (n,)."""
        root: Array = np.sqrt(_mean(np.square(self.returns[:, -span:]))) + _TINY
        return root


Scores = Mapping[int, Array]


def _clip(values: Array, bound: float) -> Array:
    return _between(values, -bound, bound)


def _between(values: Array, low: float, high: float) -> Array:
    # on arrays this small np.clip and mean are mostly overhead
    bounded: Array = np.minimum(np.maximum(values, low), high)
    return bounded


def _mean(values: Array) -> Array:
    mean: Array = values.sum(axis=1) / values.shape[1]
    return mean


def _momenta(scores: Scores) -> list[Array]:
    return [scores[span][:, -1] / 1.5 for span in _SPANS]


def _persistences(scores: Scores) -> list[Array]:
    return [_mean(_clip(scores[span][:, -over:], 2.0)) for span, over in _PERSISTENCE]


def _shapes(paths: _Paths) -> list[Array]:
    fast, month, quarter, year = (paths.deviation(span) for span in (5, 20, 60, 250))
    now = paths.sigma[:, -1]
    path, recent = paths.total[:, -250:], paths.sided[:, -60:]
    scale = year * 250**0.5
    travelled = [np.abs(paths.returns[:, -span:]).sum(axis=1) + _TINY for span in (20, 250)]
    return [
        2.0 * _clip(np.log(fast / quarter), 1.5),
        2.0 * _clip(np.log(month / year), 1.5),
        2.0 * _clip(np.log(now / quarter), 1.5),
        2.0 * _clip(np.log(quarter / year), 1.5),
        np.abs(paths.gain(20)) / travelled[0] * 20**0.5 - 0.8,
        np.abs(paths.gain(250)) / travelled[1] * 250**0.5 - 0.8,
        2.0 * _between((path[:, -1] - path.max(axis=1)) / scale, -3.0, 0.0) + 1.0,
        _between((path[:, -1] - path.min(axis=1)) / scale, 0.0, 3.0) - 1.0,
        _clip(_mean(recent * np.square(recent)) / quarter**3, 3.0),
        _between(np.abs(paths.returns[:, -5:]).max(axis=1) / now, 0.0, 6.0) / 1.5 - 1.2,
    ]


def _claims(book: Book, paths: _Paths) -> list[Array]:
    long_side = paths.side > 0.0
    mine = np.where(long_side, book.long_size, book.short_size)
    theirs = np.where(long_side, book.short_size, book.long_size)
    net = np.maximum(mine - theirs, 0.0)
    weight = np.abs(book.baseline)
    return [
        _clip(np.log(net + 1e-3), 4.0) / 1.5,
        4.0 * theirs / (mine + theirs + 1e-3) - 1.0,
        np.minimum(book.edge * 20.0, 3.0) - 0.5,
        2.0 * book.agreement - 0.5,
        2.0 * book.confidence - 1.0,
        _between(np.log(weight / 0.05 + 1e-3), -3.0, 1.5),
        *held_features(book.baseline, book.current),
    ]


def held_features(baseline: Array, current: Array) -> tuple[Array, Array]:
    """Return the relative excess of the held weight over the baseline, and its square.

    Parameters
    ----------
    baseline, current : ndarray, same shape, signed fraction of portfolio value

    Returns
    -------
    two ndarrays of that shape, in [-1, 1] and [0, 1]
        The features ``held`` and ``held_squared``.
    """
    weight = np.abs(baseline)
    held = np.where(baseline < 0.0, -current, current)
    excess = (held - weight) / (np.abs(held) + weight + 1e-3)
    return excess, np.square(excess)


def _neighbours(book: Book, paths: _Paths, scores: Scores) -> list[Array]:
    n = len(paths.side)
    if n < MIN_NEIGHBOURS:
        return [np.zeros(n)] * len(NEIGHBOURS)
    weight = np.abs(book.baseline)
    active = weight > _TINY
    mean_weight = weight.sum() / max(int(active.sum()), 1)
    volatility = np.log(paths.deviation(60))
    index = paths.scaled.mean(axis=0)
    spread = np.sqrt(np.square(index) @ _EWMA[:, -1]) + _TINY
    slow = np.sqrt(np.square(index).mean()) + _TINY
    together = np.zeros(WINDOW + 1)
    together[1:] = np.cumsum(index)
    cross = _cross_section(np.stack([scores[span][:, -1] for span in _CROSS]), paths.side)
    gained = together[-1] - together[[-1 - span for span in _MARKET]]
    market = _clip(gained / (slow * np.sqrt(_MARKET)), 4.0)[:, None] * paths.side / 1.5
    calm = 2.0 * float(_between(np.log(spread / slow), -1.5, 1.5))
    joint = 3.0 * float(_between(slow, 0.0, 1.0)) - 1.5
    relative = np.log(np.where(active, weight, _TINY) / (mean_weight + _TINY))
    return [
        *cross,
        *market,
        np.full(n, calm),
        np.full(n, joint),
        _clip(relative, 2.0),
        1.5 * _clip(volatility - volatility.mean(), 1.5),
    ]


def _cross_section(scores: Array, side: Array) -> Array:
    """Standardise scores of shape (k, n) among the n symbols, by their plain direction."""
    plain = scores * side
    spread = plain.std(axis=1, keepdims=True) + 0.3
    z: Array = (plain - plain.mean(axis=1, keepdims=True)) / spread * side
    return z


def _steps(paths: _Paths, scores: Scores) -> list[Array]:
    scaled = paths.scaled[:, -STEPS:]
    enough = len(scaled) >= MIN_NEIGHBOURS
    market = scaled.mean(axis=0, keepdims=True) if enough else np.zeros((1, STEPS))
    now = paths.sigma[:, -1:]
    return [
        scaled * paths.side[:, None] / 2.0,
        np.abs(scaled) / 2.0 - 0.4,
        2.0 * _clip(np.log(paths.sigma[:, -STEPS:] / now), 1.5),
        scores[20][:, -STEPS:] / 1.5,
        scores[60][:, -STEPS:] / 1.5,
        market * paths.side[:, None],
    ]
