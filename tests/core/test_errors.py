"""Errors name the field and what it was."""

from app.core.errors import (
    Blame,
    FieldProblem,
    HimariError,
    InvalidInput,
    PolicyFailure,
    UnknownPrice,
)
from app.core.types import FallbackReason


def test_invalid_input_names_every_path_with_what_it_was() -> None:
    error = InvalidInput(
        FieldProblem("signals.0.confidence", "must be at most 1", 1.5),
        FieldProblem("portfolio_value", "must be above 0"),
    )
    assert str(error) == (
        "signals.0.confidence: must be at most 1, was 1.5; "
        "portfolio_value: must be above 0, was None"
    )
    assert [problem.path for problem in error.problems] == [
        "signals.0.confidence",
        "portfolio_value",
    ]
    assert issubclass(UnknownPrice, InvalidInput)
    assert issubclass(InvalidInput, HimariError)


def test_a_policy_failure_says_its_reason_and_whose_blame_it_is() -> None:
    error = PolicyFailure(FallbackReason.TIMEOUT, Blame.FAILURE, "no answer within 5 s")
    assert str(error) == "timeout: no answer within 5 s"
    assert (error.reason, error.blame) == (FallbackReason.TIMEOUT, Blame.FAILURE)
    assert error.detail == "no answer within 5 s"
