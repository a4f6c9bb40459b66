"""The limit on the gross of each group of symbols.

See docs/concepts.md#group-limit.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from app.core.limits.holdings import HeldBook, Holdings, LimitHit
from app.core.limits.kind import Directional, Kind, Rows, Use
from app.core.params import LimitParams
from app.core.types import FloatArray


def _members(group: str, params: LimitParams) -> frozenset[str]:
    return frozenset(params.groups.get(group, ()))


def _gross(weights: Mapping[str, float], members: frozenset[str]) -> float:
    return sum((abs(weights.get(symbol, 0.0)) for symbol in sorted(members)), 0.0)


def _rows(directional: Directional, _caps: FloatArray) -> Rows | None:
    if not directional.params.group_caps:
        return None
    caps = sorted(directional.params.group_caps.items())
    members = [_members(group, directional.params) for group, _ in caps]
    matrix = [[float(symbol in ours) for symbol in directional.symbols] for ours in members]
    return Rows([group for group, _ in caps], [cap for _, cap in caps], np.array(matrix))


def _use(holdings: Holdings, params: LimitParams) -> list[Use]:
    return [
        Use(group, _gross(holdings.weights, _members(group, params)), cap)
        for group, cap in sorted(params.group_caps.items())
    ]


def _cut(book: HeldBook, multiplier: float, params: LimitParams) -> None:
    # one after the other: a symbol may be in several groups
    for group, cap in sorted(params.group_caps.items()):
        members = _members(group, params)
        limit, used = multiplier * cap, _gross(book.weights, members)
        if used > limit:
            book.hits.append(LimitHit("group", group, limit, used))
            book.scale(members & book.weights.keys(), limit / used)


GROUP: Final = Kind(
    level="group",
    title="Groups",
    use=_use,
    cut=_cut,
    counts=lambda identifier, symbol, _strategies, params: symbol in _members(identifier, params),
    rows=_rows,
)
