"""Policies that tests steer: small, real, and able to block, fail and count."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inference_server.model.card import ModelCard
from inference_server.model.policy import Arrays, Decoded
from inference_server.model.rows import RowPrediction, SignalRow


class ConstantPolicy:
    """Answer every row with the position that the card's details name."""

    def __init__(self, position: float) -> None:
        self._position = position

    def decode(self, rows: Sequence[SignalRow]) -> Decoded:
        return Decoded({"x": np.full(len(rows), self._position, np.float32)})

    def predict(self, inputs: Arrays) -> Arrays:
        return inputs

    def encode(self, outputs: Arrays, decoded: Decoded) -> list[RowPrediction]:
        del decoded
        positions = outputs["x"].tolist() if outputs else []
        return [RowPrediction(round(p, 6), 0.5, 0.0, 0.0) for p in positions]


def setup_constant(folder: Path, card: ModelCard, threads: int) -> ConstantPolicy:
    del folder, threads
    return ConstantPolicy(card.details["position"])


class EchoPolicy:
    """Double each number; remember what was run; block, fail and stall to order.

    ``poison`` holds numbers that make a run raise. While ``hold`` is set runs wait for
    ``let_go``, and ``holding`` says that one does. The answer's position is the signal's
    confidence times ``scale``.
    """

    def __init__(self) -> None:
        self.poison: set[float] = set()
        self.runs: list[list[float]] = []
        self.hold = threading.Event()
        self.holding = threading.Event()
        self.let_go = threading.Event()
        self.scale = 1.0

    def decode(self, rows: Sequence[SignalRow]) -> Decoded:
        return Decoded({"x": np.array([row.confidence for row in rows], np.float32)}, tuple(rows))

    def predict(self, inputs: Arrays) -> Arrays:
        numbers = inputs["x"].tolist()
        self.runs.append(numbers)
        if self.hold.is_set():
            self.holding.set()
            if not self.let_go.wait(20.0):
                raise TimeoutError("nobody let go")
        if self.poison.intersection(numbers):
            raise ValueError("poisonous rows")
        return {"x": inputs["x"] * 2}

    def encode(self, outputs: Arrays, decoded: Decoded) -> list[RowPrediction]:
        del decoded
        doubled = outputs["x"].tolist() if outputs else []
        return [RowPrediction(self.scale * each / 2, 0.5, 0.0, 0.0) for each in doubled]

    def setup(self, folder: Path, card: ModelCard, threads: int) -> "EchoPolicy":
        """Stand in as the setup of a kind: always this one policy."""
        del folder, card, threads
        return self


def numbers(*values: float) -> Arrays:
    """Make inputs for `EchoPolicy`."""
    return {"x": np.array(values, np.float32)}
