"""Size a signal that has no baseline: the flat call of the guide."""

from typing import Final

from inference_server.model.rows import SignalRow

_CAP: Final = 0.15
_KELLY_FRACTION: Final = 0.25
NO_BASELINE: Final = "no baseline: sized from the signal alone"


def size_alone(row: SignalRow) -> float:
    r"""Size a signal by capped fractional Kelly from its own claims.

    .. math:: w = d \min(0.15,\; 0.25\, c \max(\mu, 0) / \sigma^2)

    Parameters
    ----------
    row : SignalRow
        d its direction, c confidence, mu expected return, sigma predicted volatility.

    Returns
    -------
    float, signed fraction of portfolio value
        0 where a claim is missing, or sigma^2 underflows.

    References
    ----------
    .. [1] Thorp (2006), "The Kelly Criterion in Blackjack, Sports Betting, and the Stock Market",
       section 7.
    """
    if row.expected_return is None or row.predicted_volatility is None:
        return 0.0
    edge = row.confidence * max(row.expected_return, 0.0)
    # a volatility whose square underflows counts as missing; one that overflows gives 0
    variance = row.predicted_volatility * row.predicted_volatility
    if variance == 0.0:
        return 0.0
    return row.direction * min(_CAP, _KELLY_FRACTION * edge / variance)
