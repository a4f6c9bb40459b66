"""Held positions, cut by the limits before anything new gets room."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.core.limits.rows import HeldUse
from app.core.params import LimitParams


@dataclass(frozen=True, slots=True)
class LimitHit:
    """A limit that bound: amounts are fractions of portfolio value, price is utility a unit."""

    level: str
    identifier: str
    limit: float
    requested: float
    shadow_price: float


@dataclass(slots=True)
class HeldBook:
    """Held symbols after the limits.

    ``weights`` are signed fractions by symbol; ``owned`` maps (symbol, owner) to the owner's
    part; ``use`` is what limits have left to give elsewhere; ``hits`` are the limits that cut.
    """

    weights: dict[str, float] = field(default_factory=dict)
    owned: dict[tuple[str, int], float] = field(default_factory=dict)
    use: HeldUse = field(default_factory=HeldUse)
    hits: list[LimitHit] = field(default_factory=list)


def cut_held(
    weights: Mapping[str, float],
    owners: Mapping[str, Sequence[tuple[int, str]]],
    multiplier: float,
    params: LimitParams,
) -> HeldBook:
    """Cut held weights per symbol, then per strategy, then by one factor for gross.

    Parameters
    ----------
    weights : mapping of symbol to signed weight
    owners : mapping of symbol to its (owner, strategy) pairs
        HOLD signals share a position equally; a symbol without owners belongs to no strategy.
    multiplier : float
        Cascade multiplier a, scales every limit.
    params : LimitParams

    Returns
    -------
    HeldBook
    """
    book = HeldBook()
    for symbol in sorted(weights):
        book.weights[symbol] = _cut_symbol(symbol, weights[symbol], multiplier, params, book.hits)
    for symbol, pairs in owners.items():
        if symbol in book.weights and pairs:
            part = book.weights[symbol] / len(pairs)
            book.owned.update({(symbol, owner): part for owner, _ in pairs})
    _cut_strategies(book, owners, multiplier, params)
    _cut_groups(book, multiplier, params)
    limit = multiplier * params.max_portfolio_pct
    gross = sum(map(abs, book.weights.values()))
    if gross > limit:
        book.hits.append(LimitHit("portfolio", "portfolio", limit, gross, 0.0))
        _scale(book, set(book.weights), limit / gross)
    book.use = _use(book, owners, params)
    return book


def _cut_symbol(
    symbol: str, weight: float, multiplier: float, params: LimitParams, hits: list[LimitHit]
) -> float:
    if weight < 0.0 and not params.allow_short:
        return 0.0
    limit = multiplier * min(
        params.max_position_pct, params.symbol_caps.get(symbol, params.max_position_pct)
    )
    if abs(weight) <= limit:
        return weight
    hits.append(LimitHit("position", symbol, limit, abs(weight), 0.0))
    return limit if weight > 0.0 else -limit


def _gross_by_strategy(
    book: HeldBook, owners: Mapping[str, Sequence[tuple[int, str]]]
) -> dict[str, float]:
    gross: dict[str, float] = {}
    for symbol, pairs in owners.items():
        for owner, strategy in pairs:
            part = abs(book.owned.get((symbol, owner), 0.0))
            gross[strategy] = gross.get(strategy, 0.0) + part
    return gross


def _cut_strategies(
    book: HeldBook,
    owners: Mapping[str, Sequence[tuple[int, str]]],
    multiplier: float,
    params: LimitParams,
) -> None:
    limit = multiplier * params.max_strategy_pct
    over = {s: g for s, g in sorted(_gross_by_strategy(book, owners).items()) if g > limit}
    if not over:
        return
    for strategy, gross in over.items():
        book.hits.append(LimitHit("strategy", strategy, limit, gross, 0.0))
    for symbol, pairs in owners.items():
        if not any(strategy in over for _, strategy in pairs):
            continue
        for owner, strategy in pairs:
            if strategy in over and (symbol, owner) in book.owned:
                book.owned[symbol, owner] *= limit / over[strategy]
        book.weights[symbol] = sum(book.owned.get((symbol, owner), 0.0) for owner, _ in pairs)


def _cut_groups(book: HeldBook, multiplier: float, params: LimitParams) -> None:
    for group, cap in sorted(params.group_caps.items()):
        members = set(params.groups.get(group, ())) & set(book.weights)
        gross = sum(abs(book.weights[symbol]) for symbol in sorted(members))
        limit = multiplier * cap
        if gross > limit:
            book.hits.append(LimitHit("group", group, limit, gross, 0.0))
            _scale(book, members, limit / gross)


def _scale(book: HeldBook, symbols: set[str], factor: float) -> None:
    for symbol in symbols:
        book.weights[symbol] *= factor
    for key in book.owned:
        if key[0] in symbols:
            book.owned[key] *= factor


def _use(
    book: HeldBook, owners: Mapping[str, Sequence[tuple[int, str]]], params: LimitParams
) -> HeldUse:
    by_group = {
        group: sum(abs(book.weights.get(symbol, 0.0)) for symbol in sorted(params.groups[group]))
        for group in params.group_caps
        if group in params.groups
    }
    gross = sum(map(abs, book.weights.values()))
    return HeldUse(_gross_by_strategy(book, owners), by_group, gross)
