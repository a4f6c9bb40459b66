"""The policy that has no opinion: the baseline as it is, m = 1.

It ships so that the whole way can be tried, and stands in until a model has passed. Where no
baseline is sent (the flat call of the guide) it sizes from the signal alone and claims nothing.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from inference_server.model.card import ModelCard
from inference_server.model.policy import Arrays, Decoded
from inference_server.model.rows import RowPrediction, SignalRow

_CAP: Final = 0.15
_KELLY_FRACTION: Final = 0.25
_CONFIDENCE: Final = 0.5
NO_BASELINE: Final = "no baseline: sized from the signal alone"


def setup(folder: Path, card: ModelCard, threads: int) -> "DummyPolicy":
    """Make the policy; it reads nothing and computes nothing."""
    del folder, card, threads
    return DummyPolicy()


class DummyPolicy:
    """Answer ``baseline_pct`` times one."""

    def decode(self, rows: Sequence[SignalRow]) -> Decoded:
        """Keep the rows; the model's input is a multiplier of one for each."""
        return Decoded({"multiplier": np.ones(len(rows), np.float32)}, tuple(rows))

    def predict(self, inputs: Arrays) -> Arrays:
        """Hand the multipliers back."""
        return inputs

    def encode(self, outputs: Arrays, decoded: Decoded) -> list[RowPrediction]:
        """Multiply each baseline by its multiplier."""
        rows = decoded.context
        assert isinstance(rows, tuple)  # noqa: S101 - made by decode
        multipliers = outputs["multiplier"].tolist() if rows else []
        return [_answer(row, m) for row, m in zip(rows, multipliers, strict=True)]


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
    # a volatility whose square underflows is no claim; one that overflows leaves nothing
    variance = row.predicted_volatility * row.predicted_volatility
    if variance == 0.0:
        return 0.0
    return row.direction * min(_CAP, _KELLY_FRACTION * edge / variance)


def _answer(row: SignalRow, multiplier: float) -> RowPrediction:
    known = row.baseline_pct is not None
    position = size_alone(row) if row.baseline_pct is None else row.baseline_pct * multiplier
    return RowPrediction(
        position_pct=min(max(position, -1.0), 1.0),
        confidence=_CONFIDENCE if known else 0.0,
        predicted_return=row.expected_return or 0.0,
        predicted_volatility=row.predicted_volatility or 0.0,
        reason=None if known else NO_BASELINE,
    )
