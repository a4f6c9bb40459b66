"""Run the model once for several callers and split the outputs by caller."""

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
    """The rows of one caller, how many were taken into runs, and the outputs so far."""

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
        """Return the next rows as a piece, and count them as taken."""
        start, self.taken = self.taken, self.taken + rows
        whole = rows == self.rows
        return Piece(self, self.inputs if whole else _rows_of(self.inputs, start, self.taken), rows)

    def add(self, part: Arrays) -> None:
        """Keep the outputs of a piece; the last piece resolves ``answer``."""
        self.parts.append(part)
        if self.left or self.answer.done():
            return
        try:
            self.answer.set_result(_joined(self.parts))
        except (KeyError, ValueError) as error:
            self.fail(_failure("the model's outputs must have one shape in every run", error))

    def fail(self, error: InferenceError) -> None:
        """Resolve ``answer`` with an error, unless it is resolved."""
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Rows of one job that go into one run."""

    job: Job
    inputs: Arrays
    rows: int


@dataclass(frozen=True, slots=True, eq=False)
class RunResult:
    """The outputs or the failure of each piece, in order, and the seconds of the run."""

    outcomes: Sequence[Arrays | ModelFailed]
    seconds: float


def run_pieces(pieces: Sequence[Piece]) -> RunResult:
    """Run pieces together, or each alone if that fails; called in the model thread."""
    started = time.perf_counter()
    outputs = _attempt(pieces)
    outcomes: Sequence[Arrays | ModelFailed]
    if not isinstance(outputs, ModelFailed):
        outcomes = _split(outputs, pieces)
    elif len(pieces) == 1:
        outcomes = [outputs]
    else:
        outcomes = [_attempt([piece]) for piece in pieces]
    return RunResult(outcomes, time.perf_counter() - started)


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
