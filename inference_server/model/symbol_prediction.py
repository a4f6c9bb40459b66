"""The prediction for a symbol, and for each signal on it."""

import math
from dataclasses import dataclass
from typing import Final

from inference_server.model.rows import RowPrediction, SignalRow
from inference_server.model.signal_alone import size_alone

_UNKNOWN_VOLATILITY: Final = 0.02
_MEAN_ABSOLUTE: Final = math.sqrt(2.0 / math.pi)


@dataclass(frozen=True, slots=True)
class SymbolPrediction:
    """The prediction for one symbol, shared by all of its signals.

    Attributes
    ----------
    baseline : float or None, signed fraction of portfolio value
    multiplier : float in [0, 2]
        On the baseline, after the gate; the server refuses a row with NaN.
    confidence : float, 0 or in [0.5, 1]
    reason : str or None
        Why the confidence is 0.
    ewma : float, volatility of the returns per interval, >= 0
    volatility : float or None, per interval
        The model's; None where the model is not used.
    hit : float in [0, 1] or None
        Probability that the baseline's side pays; None where it is not used.
    """

    baseline: float | None
    multiplier: float
    confidence: float
    reason: str | None
    ewma: float
    volatility: float | None = None
    hit: float | None = None


def predict_row(row: SignalRow, prediction: SymbolPrediction) -> RowPrediction:
    r"""Return the prediction for a signal from that for its symbol.

    With a hit probability p of the signal's own trade its expected return is that of a normal
    variable of the predicted volatility, whose mean absolute value is known:

    .. math:: \mu = \sqrt{2 / \pi}\; \sigma\, (2 p - 1)

    Parameters
    ----------
    row : SignalRow
    prediction : SymbolPrediction
        For the row's symbol.

    Returns
    -------
    RowPrediction
        NaN where that for the symbol is.
    """
    baseline = prediction.baseline
    position = size_alone(row) if baseline is None else baseline * prediction.multiplier
    volatility, reason = _volatility(row, prediction)
    hit = _hit(row, prediction)
    return RowPrediction(
        position_pct=min(max(position, -1.0), 1.0),
        confidence=prediction.confidence,
        predicted_return=row.expected_return or 0.0
        if hit is None
        else _MEAN_ABSOLUTE * volatility * (2.0 * hit - 1.0),
        predicted_volatility=volatility,
        hit_probability=hit,
        reason=reason,
    )


def _volatility(row: SignalRow, prediction: SymbolPrediction) -> tuple[float, str | None]:
    """Return the model's volatility, else the signal's, else the EWMA, else a default; and why."""
    if prediction.volatility is not None:
        return prediction.volatility, prediction.reason
    known = row.predicted_volatility or prediction.ewma
    if known:
        return known, prediction.reason
    assumed = f"no volatility known, {_UNKNOWN_VOLATILITY:g} assumed"
    return _UNKNOWN_VOLATILITY, f"{prediction.reason}; {assumed}"


def _hit(row: SignalRow, prediction: SymbolPrediction) -> float | None:
    """Return the probability that the row's trade pays: the baseline's, or its complement."""
    if prediction.hit is None or row.direction == 0 or prediction.baseline is None:
        return None
    with_baseline = (row.direction > 0) == (prediction.baseline > 0.0)
    return prediction.hit if with_baseline else 1.0 - prediction.hit
