"""The limit on the gross of each strategy's parts.

See docs/concepts.md#strategy-limit.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.sparse import coo_array

from app.core.limits.holdings import HeldBook, Holdings, LimitHit
from app.core.limits.kind import DENSE_ROWS_UP_TO, Directional, Kind, Owned, Rows, Use
from app.core.params import LimitParams
from app.core.types import FloatArray, IntArray, LimitMatrix


def strategy_caps(strategies: Sequence[str], params: LimitParams) -> list[float]:
    """Cap of each strategy: the general one or its own, if smaller."""
    general, own = params.max_strategy_pct, params.strategy_caps
    if not own:
        return [general] * len(strategies)
    return [min(general, own.get(name, general)) for name in strategies]


def _rows(directional: Directional, caps: FloatArray) -> Rows | None:
    """Rows of strategies that can reach the limit with their symbols at their caps."""
    strategies, owned = directional.strategies, directional.owned
    limits = strategy_caps(strategies, directional.params)
    reach = np.bincount(owned.strategy, owned.share * caps[owned.symbol], len(strategies))
    held = directional.held.of("strategy")
    if held:
        reach = reach + np.array([held.get(name, 0.0) for name in strategies])
    tight = (reach > np.array(limits)).nonzero()[0]
    if not len(tight):
        return None
    names = [strategies[place] for place in tight.tolist()]
    full = [limits[place] for place in tight.tolist()]
    return Rows(names, full, _shares(tight, owned, len(directional.symbols)))


def _shares(tight: IntArray, owned: Owned, size: int) -> LimitMatrix:
    place = np.searchsorted(tight, owned.strategy)
    place = np.where(place < len(tight), place, 0)
    kept = tight[place] == owned.strategy
    row, column, share = place[kept], owned.symbol[kept], owned.share[kept]
    # entries of one strategy on one symbol add up
    if size > DENSE_ROWS_UP_TO:
        return coo_array((share, (row, column)), shape=(len(tight), size)).tocsr()
    flat = np.bincount(row * size + column, share, len(tight) * size)
    return flat.reshape(len(tight), size)


def _use(holdings: Holdings, params: LimitParams) -> list[Use]:
    caps = strategy_caps(list(holdings.by_strategy), params)
    return [
        Use(name, used, cap)
        for (name, used), cap in zip(holdings.by_strategy.items(), caps, strict=True)
    ]


def _cut(book: HeldBook, multiplier: float, params: LimitParams) -> None:
    for name, used, full in sorted(_use(book.holdings(), params)):
        limit = multiplier * full
        if used > limit:
            book.hits.append(LimitHit("strategy", name, limit, used))
            book.scale_strategy(name, limit / used)


STRATEGY: Final = Kind(
    level="strategy",
    title="Strategies",
    use=_use,
    cut=_cut,
    counts=lambda identifier, _symbol, strategies, _params: identifier in strategies,
    rows=_rows,
)
