r"""What the multiplier sees: scale-free features of one request, the same for training and serving.

Everything is seen from the side of the baseline: with s = +1 for a long and -1 for a short
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

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

WINDOW: Final = 256
STEPS: Final = 64
# neighbours without which a cross-section says nothing
LEAST_NEIGHBOURS: Final = 5

_DECAY: Final = 0.94
_TINY: Final = 1e-9
_SPANS: Final = (2, 5, 10, 20, 60, 120, 250)
_PERSISTENCE: Final = ((20, 20), (20, 60), (60, 60), (60, 120), (120, 120))
_CROSS: Final = (5, 20, 60, 250)
_MARKET: Final = (5, 20, 60, 250)

OWN: Final = (
    *(f"momentum_{span}" for span in _SPANS),
    *(f"persistence_{span}_{over}" for span, over in _PERSISTENCE),
    "volatility_5_60",
    "volatility_20_250",
    "volatility_ewma_60",
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
    """Build what the model sees of each symbol of one request.

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
        own = [*_momenta(paths), *_persistences(paths), *_shapes(paths), *_claims(book, paths)]
        neighbours = _neighbours(book, paths)
        columns = np.stack([*own, *neighbours], axis=1)
        steps = _steps(paths)
    return _finite(columns), _finite(steps)


def _finite(values: Array) -> NDArray[np.float32]:
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Paths:
    """Sided paths: ``sigma`` is the EWMA volatility as of each day, ``total`` starts at 0."""

    side: Array
    returns: Array
    sided: Array
    total: Array
    sigma: Array

    @staticmethod
    def of(book: Book) -> "_Paths":
        returns = book.returns.astype(np.float64)
        side = book.side
        sided = returns * side[:, None]
        total = np.concatenate([np.zeros((len(side), 1)), np.cumsum(sided, axis=1)], axis=1)
        sigma = np.sqrt(np.square(returns) @ _EWMA) + _TINY
        return _Paths(side, returns, sided, total, sigma)

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
        root: Array = np.sqrt(np.square(self.returns[:, -span:]).mean(axis=1)) + _TINY
        return root


def _clip(values: Array, bound: float) -> Array:
    clipped: Array = np.clip(values, -bound, bound)
    return clipped


def _momenta(paths: _Paths) -> list[Array]:
    return [paths.scores(span, 1)[:, 0] / 1.5 for span in _SPANS]


def _persistences(paths: _Paths) -> list[Array]:
    return [_clip(paths.scores(span, over), 2.0).mean(axis=1) for span, over in _PERSISTENCE]


def _shapes(paths: _Paths) -> list[Array]:
    fast, month, quarter, year = (paths.deviation(span) for span in (5, 20, 60, 250))
    now = paths.sigma[:, -1]
    path = paths.total[:, -250:]
    scale = year * 250**0.5
    travelled = [np.abs(paths.returns[:, -span:]).sum(axis=1) + _TINY for span in (20, 250)]
    return [
        2.0 * _clip(np.log(fast / quarter), 1.5),
        2.0 * _clip(np.log(month / year), 1.5),
        2.0 * _clip(np.log(now / quarter), 1.5),
        np.abs(paths.gain(20)) / travelled[0] * 20**0.5 - 0.8,
        np.abs(paths.gain(250)) / travelled[1] * 250**0.5 - 0.8,
        2.0 * np.clip((path[:, -1] - path.max(axis=1)) / scale, -3.0, 0.0) + 1.0,
        np.clip((path[:, -1] - path.min(axis=1)) / scale, 0.0, 3.0) - 1.0,
        _clip((paths.sided[:, -60:] ** 3).mean(axis=1) / quarter**3, 3.0),
        np.clip(np.abs(paths.returns[:, -5:]).max(axis=1) / now, 0.0, 6.0) / 1.5 - 1.2,
    ]


def _claims(book: Book, paths: _Paths) -> list[Array]:
    long_side = paths.side > 0.0
    mine = np.where(long_side, book.long_size, book.short_size)
    theirs = np.where(long_side, book.short_size, book.long_size)
    net = np.maximum(mine - theirs, 0.0)
    weight = np.abs(book.baseline)
    held = book.current * paths.side
    excess = (held - weight) / (np.abs(held) + weight + 1e-3)
    return [
        _clip(np.log(net + 1e-3), 4.0) / 1.5,
        4.0 * theirs / (mine + theirs + 1e-3) - 1.0,
        np.minimum(book.edge * 20.0, 3.0) - 0.5,
        2.0 * book.agreement - 0.5,
        2.0 * book.confidence - 1.0,
        np.clip(np.log(weight / 0.05 + 1e-3), -3.0, 1.5),
        excess,
        np.square(excess),
    ]


def _neighbours(book: Book, paths: _Paths) -> list[Array]:
    n = len(paths.side)
    if n < LEAST_NEIGHBOURS:
        return [np.zeros(n)] * len(NEIGHBOURS)
    scaled = _market(paths)
    weight = np.abs(book.baseline)
    active = weight > _TINY
    mean_weight = weight.sum() / max(int(active.sum()), 1)
    volatility = np.log(paths.deviation(60))
    index = scaled.mean(axis=0)
    spread = np.sqrt(np.square(index) @ _EWMA[:, -1]) + _TINY
    slow = np.sqrt(np.square(index).mean()) + _TINY
    together = np.zeros(WINDOW + 1)
    together[1:] = np.cumsum(index)
    cross = [_cross_section(paths.scores(span, 1)[:, 0], paths.side) for span in _CROSS]
    market = [
        np.clip((together[-1] - together[-1 - span]) / (slow * span**0.5), -4, 4) * paths.side / 1.5
        for span in _MARKET
    ]
    calm = 2.0 * float(np.clip(np.log(spread / slow), -1.5, 1.5))
    joint = 3.0 * float(np.clip(slow, 0.0, 1.0)) - 1.5
    relative = np.log(np.where(active, weight, _TINY) / (mean_weight + _TINY))
    return [
        *cross,
        *market,
        np.full(n, calm),
        np.full(n, joint),
        _clip(relative, 2.0),
        1.5 * _clip(volatility - volatility.mean(), 1.5),
    ]


def _market(paths: _Paths) -> Array:
    """Scale returns by the volatility of the day before and clip them, (n, 256), unsided."""
    before = np.concatenate([paths.sigma[:, :1], paths.sigma[:, :-1]], axis=1)
    return _clip(paths.returns / before, 5.0)


def _cross_section(score: Array, side: Array) -> Array:
    plain = score * side
    spread = plain.std() + 0.3
    z: Array = (plain - plain.mean()) / spread * side
    return z


def _steps(paths: _Paths) -> Array:
    scaled = _market(paths)[:, -STEPS:]
    enough = len(scaled) >= LEAST_NEIGHBOURS
    market = scaled.mean(axis=0, keepdims=True) if enough else np.zeros((1, STEPS))
    now = paths.sigma[:, -1:]
    channels = (
        scaled * paths.side[:, None] / 2.0,
        np.abs(scaled) / 2.0 - 0.4,
        2.0 * _clip(np.log(paths.sigma[:, -STEPS:] / now), 1.5),
        paths.scores(20, STEPS) / 1.5,
        paths.scores(60, STEPS) / 1.5,
        np.broadcast_to(market, scaled.shape) * paths.side[:, None],
    )
    return np.stack(channels, axis=2)
