"""A policy that answers the baseline unchanged, m = 1.

It ships to try the servers without a learned model. Where no baseline is sent (the flat call of
the guide) it sizes from the signal alone, with confidence 0.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from inference_server.model.card import ModelCard
from inference_server.model.policy import Arrays, Decoded
from inference_server.model.rows import RowPrediction, SignalRow
from inference_server.model.signal_alone import NO_BASELINE, size_alone

_CONFIDENCE: Final = 0.5


def setup(folder: Path, card: ModelCard, threads: int) -> "DummyPolicy":
    """Return the policy; the folder is not read."""
    del folder, card, threads
    return DummyPolicy()


class DummyPolicy:
    """Answer ``baseline_pct`` times one."""

    def decode(self, rows: Sequence[SignalRow]) -> Decoded:
        """Return a multiplier of one for each row, and the rows."""
        return Decoded({"multiplier": np.ones(len(rows), np.float32)}, tuple(rows))

    def predict(self, inputs: Arrays) -> Arrays:
        """Return the multipliers unchanged."""
        return inputs

    def encode(self, outputs: Arrays, decoded: Decoded) -> list[RowPrediction]:
        """Return each baseline times its multiplier."""
        rows = decoded.context
        assert isinstance(rows, tuple)  # noqa: S101 - made by decode
        multipliers = outputs["multiplier"].tolist() if rows else []
        return [_answer(row, m) for row, m in zip(rows, multipliers, strict=True)]


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
