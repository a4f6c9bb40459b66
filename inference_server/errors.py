"""Every error that a caller of the inference server can meet.

::

    InferenceError
    |-- RequestUnusable      breaks the schema or a range; 422 with path, message, was
    |-- Overloaded           the queue or the server is full; 503
    |-- DeadlinePassed       not answered in time; 503
    |-- NotServing           no model, a stuck one, or the end of the service; 503
    |-- ModelFailed          the policy raised, or answered out of range; 500
    |-- ModelRefused         a model folder that is incomplete, changed or does not work; 422
    `-- NoPreviousModel      no model was served before this one; 409
"""

from dataclasses import dataclass
from typing import Any


class InferenceError(Exception):
    """Root of the server's errors; the message is for the caller."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong with a request: dotted path, what must hold, what it was."""

    path: str
    message: str
    was: Any = None


class RequestUnusable(InferenceError):
    """The request breaks the schema or a range."""

    def __init__(self, *problems: FieldProblem) -> None:
        super().__init__("; ".join(f"{p.path} {p.message}" for p in problems))
        self.problems = problems


class Overloaded(InferenceError):
    """The queue or the server is full."""


class DeadlinePassed(InferenceError):
    """The request's time was over before its rows were answered."""


class NotServing(InferenceError):
    """No model can answer at the moment."""


class ModelFailed(InferenceError):
    """The model raised, or its answer is not finite or out of range."""


class ModelRefused(InferenceError):
    """A model folder is incomplete, was changed, or does not work."""


class NoPreviousModel(InferenceError):
    """A rollback was asked for, and no model was served before this one."""
