"""Positions as weights, at the prices that are believed.

See docs/concepts.md#held-positions.
"""

from collections.abc import Iterable, Mapping
from math import isfinite

from app.core.errors import FieldProblem, InvalidInput


def value_positions(
    quantities: Mapping[str, float], prices: Mapping[str, float], portfolio_value: float
) -> dict[str, float]:
    """Return the signed weight of each position that has a price.

    Parameters
    ----------
    quantities : mapping of symbol to signed units
    prices : mapping of symbol to USD a unit
    portfolio_value : float, USD, > 0

    Returns
    -------
    dict of symbol to float, signed fraction of portfolio value
        Finite where :func:`require_finite_values` passed; without the positions that are zero.
    """
    return {
        symbol: quantity * prices[symbol] / portfolio_value
        for symbol, quantity in sorted(quantities.items())
        if quantity != 0.0 and symbol in prices
    }


def require_finite_values(
    quantities: Mapping[str, float],
    prices: Mapping[str, Iterable[float]],
    portfolio_values: Iterable[float],
) -> None:
    """Refuse positions whose value no finite number can say.

    Parameters
    ----------
    quantities : mapping of symbol to signed units
    prices : mapping of symbol to prices at which it might be valued, USD a unit
    portfolio_values : iterable of float, USD, > 0
        Those that might be used.

    Raises
    ------
    InvalidInput
        If a position's value, in USD or as a weight, is not a finite number.
    """
    least = min(portfolio_values)
    for symbol, quantity in sorted(quantities.items()):
        for price in prices.get(symbol, ()):
            if not (isfinite(quantity * price) and isfinite(quantity * price / least)):
                message = "quantity times price must be a finite share of portfolio_value"
                raise InvalidInput(FieldProblem(f"current_positions.{symbol}", message, quantity))
