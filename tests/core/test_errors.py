"""Errors name the field and what it was; their tree is drawn once."""

import re

from app.core import errors
from app.core.errors import (
    Blame,
    FieldProblem,
    HimariError,
    InvalidInput,
    PolicyFailure,
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
    assert issubclass(InvalidInput, HimariError)


def test_a_policy_failure_says_its_reason_and_whose_blame_it_is() -> None:
    error = PolicyFailure(FallbackReason.TIMEOUT, Blame.FAILURE, "no answer within 5 s")
    assert str(error) == "timeout: no answer within 5 s"
    assert (error.reason, error.blame) == (FallbackReason.TIMEOUT, Blame.FAILURE)
    assert error.detail == "no answer within 5 s"


def test_the_drawn_tree_is_the_tree_of_the_classes() -> None:
    branches = re.findall(r"^    ([| ]*)(?:\|--|`--) (\w+)", errors.__doc__ or "", re.MULTILINE)
    drawn, above = {}, {0: "HimariError"}
    for indent, name in branches:
        depth = len(indent) // 4
        drawn[name], above[depth + 1] = above[depth], name
    parents = {
        name: found.__base__.__name__
        for name, found in vars(errors).items()
        if isinstance(found, type) and issubclass(found, HimariError) and found.__base__
    }
    del parents["HimariError"]
    assert drawn == parents
