"""The limit of each symbol: the general cap or the symbol's own, if smaller.

See docs/concepts.md#position-limit.
"""

from collections.abc import Sequence
from math import copysign
from typing import Final

import numpy as np

from app.core.limits.holdings import HeldBook, Holdings, LimitHit
from app.core.limits.kind import Directional, Kind, Use
from app.core.params import LimitParams
from app.core.types import FloatArray


def symbol_caps(symbols: Sequence[str], params: LimitParams) -> FloatArray:
    """Cap of each symbol, shape (m,): the general one or the symbol's own, if smaller."""
    caps = np.zeros(len(symbols))
    caps += params.max_position_pct
    if params.symbol_caps:
        own = np.array([params.symbol_caps.get(symbol, np.inf) for symbol in symbols])
        caps = np.minimum(caps, own)
    return caps


def _caps(directional: Directional) -> FloatArray:
    return symbol_caps(directional.symbols, directional.params)


def _use(holdings: Holdings, params: LimitParams) -> list[Use]:
    symbols = sorted(holdings.weights)
    caps = symbol_caps(symbols, params).tolist()
    return [
        Use(symbol, abs(holdings.weights[symbol]), cap)
        for symbol, cap in zip(symbols, caps, strict=True)
    ]


def _cut(book: HeldBook, multiplier: float, params: LimitParams) -> None:
    for symbol, used, cap in _use(book.holdings(), params):
        limit = multiplier * cap
        if used > limit:
            book.hits.append(LimitHit("position", symbol, limit, used))
            book.hold(symbol, copysign(limit, book.weights[symbol]))


POSITION: Final = Kind(
    level="position",
    title="Symbols",
    use=_use,
    cut=_cut,
    counts=lambda identifier, symbol, _strategies, _params: symbol == identifier,
    caps=_caps,
)
