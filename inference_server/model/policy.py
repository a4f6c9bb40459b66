"""The interface of a model: setup, decode, predict, encode.

A policy is made by a registered ``setup`` of its card's kind (`inference_server.model.kinds`).
``decode`` and ``encode`` run in the event loop, so they must be quick; ``predict`` runs in the one
model thread, on rows of several callers at once, and must treat each row alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from inference_server.model.card import ModelCard
from inference_server.model.rows import FloatArray, RowPrediction, SignalRow

Arrays = Mapping[str, FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """Model inputs made of rows, and what ``encode`` needs of the rows.

    Attributes
    ----------
    inputs : mapping of name to ndarray with k leading rows, float32
        k may be 0, and may differ from the number of signals: a policy may work per symbol.
    context : object
        Whatever ``encode`` needs besides the outputs.
    """

    inputs: Arrays
    context: object = None


class Policy(Protocol):
    """A model ready to run; a `Setup` makes it."""

    def decode(self, rows: Sequence[SignalRow]) -> Decoded:
        """Turn checked signals of one request into model inputs."""

    def predict(self, inputs: Arrays) -> Arrays:
        """Run the model on k rows, k >= 1, each for itself.

        Returns
        -------
        mapping of name to ndarray with k leading rows
        """

    def encode(self, outputs: Arrays, decoded: Decoded) -> list[RowPrediction]:
        """Turn outputs into one prediction for each signal, in their order.

        ``outputs`` is empty (no names) if there was no model row to run.
        """


class BatchDecoder(Protocol):
    """A policy that decodes several requests in one call for less than one by one."""

    def decode_all(self, requests: Sequence[Sequence[SignalRow]]) -> list[Decoded]:
        """Return the inputs of each request; none of the requests is empty."""


class Setup(Protocol):
    """Make a policy of a verified model folder."""

    def __call__(self, folder: Path, card: ModelCard, threads: int) -> Policy:
        """Return the policy of a folder, or raise with the reason."""


def leading_rows(arrays: Arrays) -> int:
    """Count the rows that all arrays share; 0 for none.

    Raises
    ------
    ValueError
        If they differ.

    >>> import numpy as np
    >>> leading_rows({"x": np.zeros((3, 2), np.float32), "y": np.zeros(3, np.float32)})
    3
    """
    lengths = {len(array) for array in arrays.values()}
    if len(lengths) > 1:
        raise ValueError(f"arrays must share their number of rows, was {sorted(lengths)}")
    return lengths.pop() if lengths else 0
