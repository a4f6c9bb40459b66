"""Every error a caller of the core can meet, named after the fact.

::

    HimariError
    |-- InvalidInput            the request's own fault; becomes 422 with path, message, was
    |-- UnknownDecision         no decision of that id is journalled
    |-- UnknownSymbol           nothing is known of that symbol; becomes 404
    |-- UnknownPortfolio        there is no book of that id; becomes 404
    |-- TradingStateDiffers     the trading state is another than `if_state_is`; becomes 409
    |-- IdempotencyConflict     the same key came with another body; becomes 409
    |-- JournalUnavailable      the journal cannot be written; becomes 503
    |   `-- JournalHeld         another process writes it; ends a start
    |-- KeyFileUnusable         the file of API keys cannot be read, or is not one
    |-- PolicyFailure           the policy gave nothing usable; never reaches a caller
    `-- SolverFailure           no finite, feasible, optimal answer; never reaches a caller

Rooms outside the core derive their own from `HimariError`. What HTTP alone refuses is a
`RequestRefused` of `app/api/response/problems.py`, where one table gives every error its status.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from app.core.types import FallbackReason


class HimariError(Exception):
    """Root of the project's errors."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong with a request: dotted path, what must hold, what it was."""

    path: str
    message: str
    was: Any = None


class InvalidInput(HimariError):
    """The request breaks the schema or a range."""

    def __init__(self, *problems: FieldProblem) -> None:
        super().__init__("; ".join(f"{p.path}: {p.message}, was {p.was!r}" for p in problems))
        self.problems = problems


class UnknownDecision(HimariError):
    """No decision of that id is journalled."""


class UnknownSymbol(HimariError):
    """Nothing is known of that symbol."""


class UnknownPortfolio(HimariError):
    """There is no book of that id."""


class TradingStateDiffers(HimariError):
    """The trading state in effect is not the one that a change was to start from."""


class IdempotencyConflict(HimariError):
    """An Idempotency-Key was used again with another body."""


class JournalUnavailable(HimariError):
    """The journal cannot be written at the moment; nothing was acknowledged."""


class JournalHeld(JournalUnavailable):
    """Another process writes the journal."""


class KeyFileUnusable(HimariError):
    """The file of API keys cannot be read or written, or holds something else."""


class Blame(Enum):
    """How a failed policy call counts for the circuit breaker."""

    FAILURE = "failure"
    NEUTRAL = "neutral"


class PolicyFailure(HimariError):
    """The policy gave nothing usable.

    Parameters
    ----------
    reason : FallbackReason
        What the decision will say.
    blame : Blame
        FAILURE counts against the breaker; NEUTRAL (caller's mistake, full bulkhead) does not.
    detail : str
        For the log; never contains a secret.
    """

    def __init__(self, reason: FallbackReason, blame: Blame, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.blame = blame
        self.detail = detail


class SolverFailure(HimariError):
    """The optimiser returned nothing finite, feasible and optimal."""
