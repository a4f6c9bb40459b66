"""The policy that ships: the baseline as it is, or the signal alone with nothing claimed."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_server.model.dummy import DummyPolicy
from inference_server.model.rows import Action, Regime, RowPrediction, SignalRow, is_in_range
from inference_server.model.signal_alone import NO_BASELINE, size_alone


def row(**changes: object) -> SignalRow:
    valid: dict[str, object] = {
        "symbol": "BTC-USD",
        "action": Action.BUY,
        "confidence": 0.5,
        "risk_score": 0.2,
        "regime": Regime.RANGING,
        "expected_return": 0.001,
        "predicted_volatility": 0.04,
    }
    return SignalRow(**(valid | changes))  # type: ignore[arg-type]


def answer(*rows: SignalRow) -> list[RowPrediction]:
    policy = DummyPolicy()
    decoded = policy.decode(rows)
    return policy.encode(policy.predict(decoded.inputs), decoded)


def test_the_baseline_comes_back_to_the_last_bit() -> None:
    baselines = np.random.default_rng(0).uniform(-0.15, 0.15, 50).tolist()
    answers = answer(*(row(baseline_pct=baseline) for baseline in baselines))
    assert [each.position_pct for each in answers] == baselines
    assert {each.confidence for each in answers} == {0.5}
    assert {each.reason for each in answers} == {None}


@pytest.mark.parametrize(
    ("changes", "position"),
    [
        # 0.25 x 0.5 x 0.001 / 0.04^2 = 0.078125, by hand
        ({}, 0.078125),
        ({"action": Action.STRONG_BUY}, 0.078125),
        ({"action": Action.SELL}, -0.078125),
        ({"action": Action.HOLD}, 0.0),
        ({"expected_return": 0.01}, 0.15),
        ({"expected_return": -0.01}, 0.0),
        ({"expected_return": None}, 0.0),
        ({"predicted_volatility": None}, 0.0),
        ({"predicted_volatility": 1e-200}, 0.0),
        ({"predicted_volatility": 1e200}, 0.0),
    ],
)
def test_without_a_baseline_the_signal_alone_is_sized_and_nothing_is_claimed(
    changes: dict[str, object], position: float
) -> None:
    (prediction,) = answer(row(**changes))
    assert math.isclose(prediction.position_pct, position, abs_tol=1e-15)
    assert (prediction.confidence, prediction.reason) == (0.0, NO_BASELINE)


@given(
    confidence=st.floats(0, 1),
    expected=st.floats(-1, 1000),
    volatility=st.floats(min_value=5e-324, allow_infinity=False),
    action=st.sampled_from(Action),
)
def test_every_answer_is_believable(
    confidence: float, expected: float, volatility: float, action: Action
) -> None:
    asked = row(
        confidence=confidence,
        expected_return=expected,
        predicted_volatility=volatility,
        action=action,
    )
    assert is_in_range(answer(asked)[0])
    assert abs(size_alone(asked)) <= 0.15
