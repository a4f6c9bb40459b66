"""What a record becomes for training: features, baseline and returns of every decision day.

A record is what ``himari backtest --record`` wrote: Phase 2 as the service decided it, day by day,
and the signals behind it. The features come out of the code that serves them.
"""

import hashlib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from inference_server.model.book import Claims, book_of_arrays
from inference_server.model.features import CHANNELS, FEATURES, STEPS, WINDOW, build_features

Array = NDArray[np.float64]
Dates = NDArray[np.datetime64]

# a symbol whose price stood still for a quarter of the window has no volatility to scale by
_LEAST_RETURNS: Final = 250
# design, section 1: Kelly fraction, predictive variance without outcomes, largest size
_FRACTION: Final = 0.25
_PREDICTIVE: Final = 1.05
_LARGEST: Final = 0.5
_CLAIMS: Final = ("direction", "confidence", "expected_return", "predicted_volatility")


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """One record, ready to train on: T decision days, N symbols, K strategies.

    Attributes
    ----------
    name : str
    dates : ndarray of shape (T,), datetime64[D]
    features : ndarray of shape (T, N, F), float32
    path : ndarray of shape (T, N, 64, C), float16
    usable : bool ndarray of shape (T, N)
        Where the symbol has history enough for the model.
    baseline : ndarray of shape (T, N), signed fraction of portfolio value
        Phase 2 at cascade multiplier 1, before smoothing.
    share : ndarray of shape (T, N, K), part of a symbol that a strategy owns
    ahead : ndarray of shape (T, N), simple return to the next day; 0 where there is none
    past : ndarray of shape (T, N), simple return from the day before; 0 likewise
    squares : ndarray of shape (T, N), mean squared return of the next 10 days, NaN where unknown
    ewma : ndarray of shape (T, N), EWMA(0.94) variance as of the day
    leaning : ndarray of shape (T, N), fraction of portfolio value
        Largest long less largest short size of Phase 1, shorts counted even where they are off.
    claims : ndarray of shape (T, N, K), signed fraction of portfolio value
        Phase 1 size of each signal with its direction; NaN where there is none.
    settings : dict
        Caps and sides of the record, as the service had them.
    """

    name: str
    dates: Dates
    features: NDArray[np.float32]
    path: NDArray[np.float16]
    usable: NDArray[np.bool_]
    baseline: Array
    share: Array
    ahead: Array
    past: Array
    squares: Array
    ewma: Array
    leaning: Array
    claims: Array
    settings: dict[str, Any]

    def row_of(self, day: str) -> int:
        """First row on or after a day."""
        return int(np.searchsorted(self.dates, np.datetime64(day, "D")))

    def renamed(self, name: str) -> "Tape":
        """Return the same tape under another name."""
        return replace(self, name=name)


def load_tape(record: Path, cache: Path | None = None, span: float = 10.0) -> Tape:
    """Read a record and build its features, once: the result is cached by the record's content.

    Parameters
    ----------
    record : Path
        A ``.npz`` of ``himari backtest --record``.
    cache : Path, optional
        Folder for the built features.
    span : float
        Smoothing under which the held position is simulated for the features.
    """
    key = hashlib.sha256(record.read_bytes() + repr((FEATURES, CHANNELS, span)).encode())
    kept = None if cache is None else cache / f"{record.stem}-{key.hexdigest()[:16]}.npz"
    with np.load(record, allow_pickle=False) as opened:
        raw = {name: opened[name] for name in opened.files}
    if kept is not None and kept.is_file():
        with np.load(kept, allow_pickle=False) as opened:
            built = {name: opened[name] for name in opened.files}
    else:
        built = _build(raw, span)
        if kept is not None:
            _keep(kept, built)
    return _tape(record.stem, raw, built)


def _keep(path: Path, arrays: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.tmp")
    with partial.open("wb") as file:
        np.savez(file, **arrays)
    partial.replace(path)


def _returns(closes: Array) -> Array:
    returns = np.zeros_like(closes)
    returns[1:] = np.nan_to_num(closes[1:] / closes[:-1] - 1.0)
    # the wire may carry float32, and the server reads float32
    return returns.astype(np.float32).astype(np.float64)


def held_path(baseline: Array, past: Array, span: float) -> Array:
    """Positions held before each day's trade when the baseline is followed, shape (T, N).

    Smoothed as the service smooths: a part of the way each day, a change of side at once.
    """
    held = np.zeros_like(baseline)
    weight = np.zeros(baseline.shape[1])
    step = 2.0 / (span + 1.0)
    for day, aim in enumerate(baseline):
        weight = weight * (1.0 + past[day])
        held[day] = weight
        weight = np.where(aim * weight < 0.0, aim, weight + step * (aim - weight))
    return held


def _build(raw: dict[str, Any], span: float) -> dict[str, Any]:
    closes, rows = raw["closes"], raw["row"]
    returns = _returns(closes)
    held = held_path(raw["baseline"], returns[rows], span)
    shape = raw["baseline"].shape
    features = np.zeros((*shape, len(FEATURES)), np.float32)
    path = np.zeros((*shape, STEPS, len(CHANNELS)), np.float16)
    usable = np.zeros(shape, np.bool_)
    priced = np.isfinite(closes)
    for day, row in enumerate(rows.tolist()):
        if row < _LEAST_RETURNS:
            continue
        known = priced[row] & priced[row - _LEAST_RETURNS]
        known &= np.isfinite(raw["direction"][day]).any(axis=1)
        columns = np.flatnonzero(known)
        if not len(columns):
            continue
        seen = returns[max(row - WINDOW + 1, 1) : row + 1][:, columns].T
        window = np.zeros((len(columns), WINDOW))
        window[:, WINDOW - seen.shape[1] :] = seen
        claims = Claims(*(raw[name][day][columns] for name in _CLAIMS))
        book = book_of_arrays(window, raw["baseline"][day][columns], held[day][columns], claims)
        features[day, columns], path[day, columns] = build_features(book)
        usable[day, columns] = True
    return {"features": features, "path": path, "usable": usable}


def _tape(name: str, raw: dict[str, Any], built: dict[str, Any]) -> Tape:
    closes, rows = raw["closes"], raw["row"]
    returns = _returns(closes)
    following = np.minimum(rows + 1, len(closes) - 1)
    claims = _claims(raw)
    ahead = np.where((rows + 1 < len(closes))[:, None], returns[following], 0.0)
    return Tape(
        name=name,
        dates=raw["dates"],
        features=built["features"],
        path=built["path"],
        usable=built["usable"],
        baseline=raw["baseline"],
        share=raw["share"],
        ahead=ahead,
        past=returns[rows],
        squares=_ahead_squares(returns)[rows],
        ewma=_ewma(returns)[rows],
        leaning=_leaning(claims),
        claims=claims,
        settings=json.loads(str(raw["settings"])),
    )


def _claims(raw: dict[str, Any]) -> Array:
    """Signed Phase 1 sizes of strategies without a record: k c mu / (sigma^2 (1 + 1 / n0))."""
    claim = raw["confidence"] * np.maximum(raw["expected_return"], 0.0)
    size = _FRACTION * claim / (raw["predicted_volatility"] ** 2 * _PREDICTIVE)
    # a claim of nothing keeps its direction in the sign of its zero
    signed: Array = np.copysign(np.minimum(size, _LARGEST), raw["direction"])
    return signed


def _leaning(claims: Array) -> Array:
    long = np.nan_to_num(np.where(claims > 0.0, claims, 0.0)).max(axis=2)
    short = np.nan_to_num(np.where(claims < 0.0, -claims, 0.0)).max(axis=2)
    net: Array = long - short
    return net


def _ahead_squares(returns: Array, horizon: int = 10) -> Array:
    total = np.vstack([np.zeros((1, returns.shape[1])), np.cumsum(np.square(returns), axis=0)])
    mean = np.full_like(returns, np.nan)
    last = len(returns) - horizon
    mean[:last] = (total[horizon + 1 :] - total[1 : last + 1]) / horizon
    return mean


def _ewma(returns: Array, decay: float = 0.94) -> Array:
    from scipy.signal import lfilter  # noqa: PLC0415 - scipy.signal takes a second to import

    smooth = lfilter([1.0 - decay], [1.0, -decay], np.square(returns), axis=0)
    ages = np.arange(1, len(returns) + 1)
    normed: Array = smooth / (1.0 - decay**ages)[:, None]
    return normed
