"""Every error a caller of the inference server can meet, named after the fact.

::

    InferenceError
    |-- RequestUnusable      the request's own fault; 422 with path, message, was
    |-- Overloaded           the queue or the context is full; 503
    |-- DeadlinePassed       not answered in time; 503
    |-- NotServing           no model, a stuck one, or the end of the service; 503
    |-- ModelFailed          the policy raised, or its answer cannot be believed; 500
    |-- ModelRefused         a folder that is not a whole, untouched, working model; 422
    `-- NoPreviousModel      nothing to go back to; 409
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
    """More work than the server takes on."""


class DeadlinePassed(InferenceError):
    """The request's time was over before its rows were answered."""


class NotServing(InferenceError):
    """There is no model to ask at the moment."""


class ModelFailed(InferenceError):
    """The model raised, or answered what cannot be believed."""


class ModelRefused(InferenceError):
    """A model folder that is not whole, not untouched, or does not work."""


class NoPreviousModel(InferenceError):
    """A rollback, and nothing was served before."""
