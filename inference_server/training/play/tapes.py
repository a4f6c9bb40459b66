"""Read a record as a `Tape`: features, baseline and returns of every decision day.

A record is the file of ``himari backtest --record``: Phase 2 as the service decided it, day by day,
and the signals. The features are made by the code that serves them.
"""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from inference_server.model import book as book_code
from inference_server.model import features as feature_code
from inference_server.model.book import Claims, book_of_arrays
from inference_server.model.features import CHANNELS, FEATURES, STEPS, WINDOW, build_features
from inference_server.training.evaluate.volatility import realised_variance
from inference_server.training.evaluate.volatility_baselines import ewma_variance
from inference_server.training.play import served_exact
from inference_server.training.play.served_exact import TradingTerms, play_multiplier
from inference_server.training.play.tape import Array, Tape

# a symbol whose price stood still for a quarter of the window has no volatility to scale by
_LEAST_RETURNS: Final = 250
# of the service: Kelly fraction, predictive variance without outcomes, largest claim and size
_FRACTION: Final = 0.25
_PREDICTIVE: Final = 1.001
_MAX_SHARPE: Final = 0.1
_LARGEST: Final = 0.5
_CLAIMS: Final = ("direction", "confidence", "expected_return", "predicted_volatility")


def load_tape(record: Path, cache: Path | None = None, span: float = 10.0) -> Tape:
    """Read a record and build its features, once: cached by the record and the features' code.

    Parameters
    ----------
    record : Path
        A ``.npz`` of ``himari backtest --record``.
    cache : Path, optional
        Folder for the built features.
    span : float
        Smoothing; the position held is what Phase 2 would hold under it.
    """
    key = _key_of(record, span)
    kept = None if cache is None else cache / f"{record.stem}-{key}.npz"
    with np.load(record, allow_pickle=False) as opened:
        raw = {name: opened[name] for name in opened.files}
    bare = _bare_tape(record.stem, raw, key)
    if kept is not None and kept.is_file():
        with np.load(kept, allow_pickle=False) as opened:
            built = {name: opened[name] for name in opened.files}
    else:
        everything = slice(0, len(bare.dates))
        built = _build(raw, play_multiplier(bare, None, everything, TradingTerms(span=span)).held)
        if kept is not None:
            _keep(kept, built)
    return replace(bare, **built)


def _key_of(record: Path, span: float) -> str:
    made_by = (__file__, book_code.__file__, feature_code.__file__, served_exact.__file__)
    code = b"".join(Path(file).read_bytes() for file in made_by)
    return hashlib.sha256(record.read_bytes() + code + repr(span).encode()).hexdigest()[:16]


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


def _build(raw: dict[str, Any], held: Array) -> dict[str, Any]:
    closes, rows = raw["closes"], raw["row"]
    returns = _returns(closes)
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


def _bare_tape(name: str, raw: dict[str, Any], key: str) -> Tape:
    """Return the tape without features; those need the weights held, which this tape gives."""
    closes, rows = raw["closes"], raw["row"]
    returns = _returns(closes)
    following = np.minimum(rows + 1, len(closes) - 1)
    claims = _claims(raw)
    ahead = np.where((rows + 1 < len(closes))[:, None], returns[following], 0.0)
    return Tape(
        name=name,
        dates=raw["dates"],
        features=np.empty((0, 0, len(FEATURES)), np.float32),
        path=np.empty((0, 0, STEPS, len(CHANNELS)), np.float16),
        usable=np.empty((0, 0), np.bool_),
        baseline=raw["baseline"],
        share=raw["share"],
        ahead=ahead,
        past=returns[rows],
        squares=realised_variance(returns)[rows],
        ewma=ewma_variance(returns)[rows],
        leaning=np.nansum(claims, axis=2),
        claims=np.clip(claims, -_LARGEST, _LARGEST),
        settings=json.loads(str(raw["settings"])),
        key=key,
    )


def _claims(raw: dict[str, Any]) -> Array:
    """Signed uncapped sizes of strategies without a record: k c / (sigma (1 + 1 / n0))."""
    sigma = raw["predicted_volatility"]
    said = raw["confidence"] * np.maximum(raw["expected_return"], 0.0) / sigma
    size = _FRACTION * np.minimum(said, _MAX_SHARPE) / (sigma * _PREDICTIVE)
    # a claim of nothing keeps its direction in the sign of its zero
    signed: Array = np.copysign(size, raw["direction"])
    return signed
