"""What a row may hold, and what of a prediction can be believed."""

import math
from dataclasses import replace

import pytest

from inference_server.model.rows import Action, Regime, RowPrediction, is_in_range

GOOD = RowPrediction(0.1, 0.5, 0.01, 0.02, 0.6, "a reason")


@pytest.mark.parametrize(
    "prediction",
    [
        GOOD,
        RowPrediction(-1.0, 0.0, -5.0, 0.0),
        RowPrediction(1.0, 1.0, 1e300, 1e300, 1.0, "x" * 1000),
    ],
)
def test_what_is_within_the_wires_ranges_is_believed(prediction: RowPrediction) -> None:
    assert is_in_range(prediction)


@pytest.mark.parametrize(
    "change",
    [
        {"position_pct": 1.0000001},
        {"position_pct": math.nan},
        {"confidence": 0.49},
        {"confidence": -0.0001},
        {"confidence": 1.1},
        {"confidence": math.nan},
        {"predicted_return": math.inf},
        {"predicted_return": math.nan},
        {"predicted_volatility": -0.1},
        {"predicted_volatility": math.nan},
        {"predicted_volatility": math.inf},
        {"hit_probability": 1.1},
        {"hit_probability": math.nan},
        {"reason": "x" * 1001},
        {"reason": "two\nlines"},
    ],
)
def test_what_is_beyond_them_is_not(change: dict[str, float]) -> None:
    assert not is_in_range(replace(GOOD, **change))  # type: ignore[arg-type]


def test_names_are_known_in_either_case_and_crisis_flight_is_crisis() -> None:
    assert Action("strong_sell") is Action.STRONG_SELL
    assert [action.direction for action in Action] == [1, 1, 0, -1, -1]
    assert Regime("crisis_flight") is Regime.CRISIS
    with pytest.raises(ValueError, match="is not a valid Action"):
        Action("SHORT")
