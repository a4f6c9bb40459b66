"""Held positions, cut by the limits before anything new gets room."""

from collections.abc import Mapping

from app.core.limits.holdings import HeldBook, HeldUse
from app.core.limits.kinds import KINDS
from app.core.params import LimitParams


def cut_held(
    weights: Mapping[str, float],
    owners: Mapping[str, Mapping[str, float]],
    multiplier: float,
    params: LimitParams,
    set_apart: float = 0.0,
) -> HeldBook:
    """Cut held weights by one kind of limit after the other, in the order of the table.

    Parameters
    ----------
    weights : mapping of symbol to signed weight
    owners : mapping of symbol to each owner's share of it
        They sum to 1; a symbol without owners belongs to no strategy.
    multiplier : float
        Cascade multiplier a, scales every limit.
    params : LimitParams
        A short is closed where shorts are off.
    set_apart : float, fraction of portfolio value
        What positions without a price take of the gross room of new ones; it cuts none of these.

    Returns
    -------
    HeldBook
    """
    book = HeldBook(owners)
    for symbol in sorted(weights):
        weight = weights[symbol]
        book.hold(symbol, 0.0 if weight < 0.0 and not params.allow_short else weight)
    for kind in KINDS:
        kind.cut(book, multiplier, params)
    left = book.holdings()
    book.use = HeldUse(
        {
            kind.level: {use.identifier: use.used for use in kind.use(left, params)}
            for kind in KINDS
            if kind.rows is not None
        },
        set_apart,
    )
    return book
