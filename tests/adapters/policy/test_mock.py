"""The mock policy: decided by seed and content, near the baseline, sometimes failing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from app.adapters.policy.mock import MockPolicyClient
from app.core.errors import Blame, PolicyFailure
from app.core.types import Action, FallbackReason, PolicyInput, Prediction, Regime

BASE = PolicyInput(
    symbol="BTC-USD",
    action=Action.BUY,
    confidence=0.8,
    risk_score=0.25,
    regime=Regime.TRENDING_UP,
    expected_return=0.12,
    predicted_volatility=0.04,
    baseline_pct=0.1,
    current_pct=0.0,
    returns=np.zeros(0),
    interval_sec=None,
)


def rows(count: int) -> list[PolicyInput]:
    return [replace(BASE, symbol=f"S{index}") for index in range(count)]


async def ask(mock: MockPolicyClient, inputs: Sequence[PolicyInput]) -> list[Prediction | None]:
    return list(await mock.predict(inputs))


@given(order=st.permutations(range(12)), seed=st.integers(0, 9))
async def test_the_place_in_the_batch_does_not_matter(order: list[int], seed: int) -> None:
    inputs = rows(12)
    straight = await ask(MockPolicyClient(seed), inputs)
    mixed = await ask(MockPolicyClient(seed), [inputs[i] for i in order])
    assert mixed == [straight[i] for i in order]


async def test_earlier_calls_do_not_matter() -> None:
    mock = MockPolicyClient()
    first = await ask(mock, rows(20))
    await ask(mock, rows(7))
    assert await ask(mock, rows(20)) == first


async def test_another_seed_gives_other_predictions() -> None:
    assert await ask(MockPolicyClient(1), rows(20)) != await ask(MockPolicyClient(2), rows(20))


@pytest.mark.parametrize(
    "change",
    [
        {"symbol": "ETH-USD"},
        {"action": Action.SELL},
        {"confidence": 0.81},
        {"risk_score": 0.26},
        {"regime": Regime.CRISIS},
        {"expected_return": 0.13},
        {"predicted_volatility": 0.05},
    ],
)
async def test_each_part_of_the_content_decides(change: dict[str, Any]) -> None:
    mock = MockPolicyClient(success_rate=1.0)
    assert await ask(mock, [BASE]) != await ask(mock, [replace(BASE, **change)])


async def test_nine_rows_of_ten_succeed() -> None:
    mock = MockPolicyClient()
    predictions = await ask(mock, rows(5000))
    share = sum(p is not None for p in predictions) / 5000
    assert share == pytest.approx(0.9, abs=0.02)  # 4.7 standard errors
    assert mock.statistics()["success_rate"] == pytest.approx(share)
    assert mock.statistics()["total_predictions"] == 5000


async def test_positions_scatter_around_the_baseline_by_the_noise() -> None:
    predictions = await ask(MockPolicyClient(success_rate=1.0), rows(5000))
    ratios = np.array([p.position_pct / 0.1 for p in predictions if p])
    assert ratios.mean() == pytest.approx(1.0, abs=0.01)
    assert ratios.std() == pytest.approx(0.1, abs=0.01)


@given(baseline=st.floats(-1.0, 1.0), noise=st.floats(0.0, 100.0), seed=st.integers())
async def test_predictions_are_always_valid(baseline: float, noise: float, seed: int) -> None:
    mock = MockPolicyClient(seed, success_rate=1.0, noise=noise)
    (prediction,) = await ask(mock, [replace(BASE, baseline_pct=baseline)])
    assert prediction is not None
    assert -1.0 <= prediction.position_pct <= 1.0
    assert 0.5 <= prediction.confidence <= 0.95
    assert prediction.model_version == "mock-1"


async def test_when_every_row_fails_there_is_no_prediction() -> None:
    with pytest.raises(PolicyFailure) as caught:
        await MockPolicyClient(success_rate=0.0).predict(rows(3))
    assert caught.value.reason is FallbackReason.INVALID_PREDICTION
    assert caught.value.blame is Blame.FAILURE


async def test_without_noise_the_mock_answers_the_baseline() -> None:
    predictions = await ask(MockPolicyClient(success_rate=1.0, noise=0.0), rows(5))
    assert [p.position_pct for p in predictions if p] == [0.1] * 5


@pytest.mark.parametrize("changes", [{"success_rate": 1.1}, {"noise": -0.1}])
def test_senseless_parameters_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(changes))} must be"):
        MockPolicyClient(**changes)  # type: ignore[arg-type]
