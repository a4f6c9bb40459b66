"""One run of the model for several callers: join their rows, run, give each its own back."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np

from inference_server.errors import InferenceError, ModelFailed
from inference_server.model.policy import Arrays, Policy, leading_rows


@dataclass(slots=True, eq=False)
class Job:
    """One caller's rows, and how far they have come."""

    policy: Policy
    inputs: Arrays
    rows: int
    queued_at: float
    deadline: float
    answer: "asyncio.Future[Arrays]"
    taken: int = 0
    parts: list[Arrays] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Rows that no run has taken yet, count."""
        return self.rows - self.taken

    def take(self, rows: int) -> "Piece":
        """Cut the next rows off."""
        start, self.taken = self.taken, self.taken + rows
        whole = rows == self.rows
        return Piece(self, self.inputs if whole else _rows_of(self.inputs, start, self.taken), rows)

    def add(self, part: Arrays) -> None:
        """Keep the outputs of a piece; the last one answers the caller."""
        self.parts.append(part)
        if self.left or self.answer.done():
            return
        try:
            self.answer.set_result(_joined(self.parts))
        except (KeyError, ValueError) as error:
            self.fail(_failure("the model's outputs must have one shape in every run", error))

    def fail(self, error: InferenceError) -> None:
        """Tell the caller why there is no answer, if it still waits."""
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Rows of one job that go into one run."""

    job: Job
    inputs: Arrays
    rows: int


@dataclass(frozen=True, slots=True, eq=False)
class Ran:
    """Of each piece, in order, its outputs or why there are none; and the time it took."""

    outcomes: Sequence[Arrays | ModelFailed]
    seconds: float


def run_pieces(pieces: Sequence[Piece]) -> Ran:
    """Run pieces together; if that fails, each alone. In the model thread."""
    started = time.perf_counter()
    outputs = _attempt(pieces)
    outcomes: Sequence[Arrays | ModelFailed]
    if not isinstance(outputs, ModelFailed):
        outcomes = _split(outputs, pieces)
    elif len(pieces) == 1:
        outcomes = [outputs]
    else:
        outcomes = [_attempt([piece]) for piece in pieces]
    return Ran(outcomes, time.perf_counter() - started)


def _attempt(pieces: Sequence[Piece]) -> Arrays | ModelFailed:
    expected = sum(piece.rows for piece in pieces)
    try:
        outputs = pieces[0].job.policy.predict(_joined([piece.inputs for piece in pieces]))
        rows = leading_rows(outputs)
    except Exception as error:  # noqa: BLE001 - whatever a model raises fails its callers alone
        return _failure("the model failed on these rows", error)
    if rows != expected:
        return ModelFailed(f"the model must answer {expected} rows, was {rows}")
    return outputs


def _failure(message: str, cause: Exception) -> ModelFailed:
    failure = ModelFailed(message)
    failure.__cause__ = cause
    return failure


def _joined(parts: Sequence[Arrays]) -> Arrays:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _rows_of(arrays: Arrays, start: int, stop: int) -> Arrays:
    return {name: array[start:stop] for name, array in arrays.items()}


def _split(outputs: Arrays, pieces: Sequence[Piece]) -> Sequence[Arrays]:
    if len(pieces) == 1:
        return [outputs]
    ends = list(accumulate(piece.rows for piece in pieces))
    starts = [0, *ends[:-1]]
    return [_rows_of(outputs, start, stop) for start, stop in zip(starts, ends, strict=True)]
