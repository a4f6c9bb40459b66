"""Positions as weights, at the given or the last known price.

See docs/concepts.md#held-positions.
"""

from collections.abc import Mapping
from math import isfinite

from app.core.errors import FieldProblem, InvalidInput, UnknownPrice


def value_positions(
    quantities: Mapping[str, float],
    prices: Mapping[str, float],
    last_prices: Mapping[str, float | None],
    portfolio_value: float,
) -> dict[str, float]:
    """Return the signed weight of each position at the given or the last known price.

    Parameters
    ----------
    quantities : mapping of symbol to signed units
    prices, last_prices : mappings of symbol to USD a unit
        The last price is None where none is known.
    portfolio_value : float, USD, > 0

    Returns
    -------
    dict of symbol to float, signed fraction of portfolio value
        Finite; without the positions that are zero.

    Raises
    ------
    UnknownPrice
        If a position that is not zero has neither price.
    InvalidInput
        If a position's value is not a finite number.
    """
    weights: dict[str, float] = {}
    for symbol, quantity in sorted(quantities.items()):
        if quantity == 0.0:
            continue
        price = prices.get(symbol) or last_prices.get(symbol)
        path = f"current_positions.{symbol}"
        if price is None:
            message = "a held symbol needs a price in current_prices; none is known"
            raise UnknownPrice(FieldProblem(path, message, quantity))
        weight = quantity * price / portfolio_value
        if not isfinite(weight):
            message = "quantity times price must be a finite share of portfolio_value"
            raise InvalidInput(FieldProblem(path, message, quantity))
        weights[symbol] = weight
    return weights
