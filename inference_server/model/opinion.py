"""What the model thinks of a symbol, and what each signal on it is told."""

import math
from dataclasses import dataclass
from typing import Final

from inference_server.model.rows import RowPrediction, SignalRow
from inference_server.model.signal_alone import size_alone

_UNKNOWN_VOLATILITY: Final = 0.02
_MEAN_ABSOLUTE: Final = math.sqrt(2.0 / math.pi)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What all signals on one symbol are told.

    Attributes
    ----------
    baseline : float or None, signed fraction of portfolio value
    multiplier : float in [0, 2]
        On the baseline, after the gate; NaN is refused by whoever looks at the answer.
    confidence : float, 0 or in [0.5, 1]
    reason : str or None
        Why the confidence is 0.
    ewma : float, volatility of the returns per interval, >= 0
    volatility : float or None, per interval
        The model's; None where it has no say.
    hit : float in [0, 1] or None
        Probability that the baseline's side pays; None where the model has no say.
    """

    baseline: float | None
    multiplier: float
    confidence: float
    reason: str | None
    ewma: float
    volatility: float | None = None
    hit: float | None = None


def answer_row(row: SignalRow, opinion: Opinion) -> RowPrediction:
    r"""Tell a signal what the model thinks of its symbol.

    With a hit probability p of the signal's own trade its expected return is that of a normal
    variable of the predicted volatility, whose mean absolute value is known:

    .. math:: \mu = \sqrt{2 / \pi}\; \sigma\, (2 p - 1)

    Parameters
    ----------
    row : SignalRow
    opinion : Opinion
        On the row's symbol.

    Returns
    -------
    RowPrediction
        NaN where the opinion is.
    """
    baseline = opinion.baseline
    position = size_alone(row) if baseline is None else baseline * opinion.multiplier
    volatility, reason = _volatility(row, opinion)
    hit = _hit(row, opinion)
    return RowPrediction(
        position_pct=min(max(position, -1.0), 1.0),
        confidence=opinion.confidence,
        predicted_return=row.expected_return or 0.0
        if hit is None
        else _MEAN_ABSOLUTE * volatility * (2.0 * hit - 1.0),
        predicted_volatility=volatility,
        hit_probability=hit,
        reason=reason,
    )


def _volatility(row: SignalRow, opinion: Opinion) -> tuple[float, str | None]:
    """Take the model's, else the signal's own, else the EWMA of the returns, else a default."""
    if opinion.volatility is not None:
        return opinion.volatility, opinion.reason
    known = row.predicted_volatility or opinion.ewma
    if known:
        return known, opinion.reason
    assumed = f"no volatility known, {_UNKNOWN_VOLATILITY:g} assumed"
    return _UNKNOWN_VOLATILITY, f"{opinion.reason}; {assumed}"


def _hit(row: SignalRow, opinion: Opinion) -> float | None:
    """Probability that this row's trade pays: the baseline's, or its complement."""
    if opinion.hit is None or row.direction == 0 or opinion.baseline is None:
        return None
    with_baseline = (row.direction > 0) == (opinion.baseline > 0.0)
    return opinion.hit if with_baseline else 1.0 - opinion.hit
