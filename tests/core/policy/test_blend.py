"""Blending the policy with Phase 2."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.core.limits import LimitRow, Limits
from app.core.policy.blend import PolicyTargets, blend_weights, collect_targets
from app.core.types import FloatArray, IntArray, Prediction
from tests.core.judge import nearest_point
from tests.core.problems import random_limits
from tests.strategies import seeds

UNIT = st.floats(0.0, 1.0)


def predicted(position: float, confidence: float) -> Prediction:
    return Prediction(position, confidence, 0.0, 0.1, "v1")


def places(*symbols: int) -> IntArray:
    return np.array(symbols, dtype=np.int64)


def limits_of(cap: float, room: float, count: int) -> Limits:
    name = LimitRow("portfolio", "portfolio")
    return Limits(
        np.full(count, cap), np.ones((1, count)), np.array([room]), (name,), np.array([room])
    )


def targets_of(weight: list[float], confidence: list[float]) -> PolicyTargets:
    wanted = np.array(weight)
    return PolicyTargets(wanted, np.array(confidence), ~np.isnan(wanted))


def blended(
    baseline: list[float], side: list[float], targets: PolicyTargets, limits: Limits
) -> FloatArray:
    weights, failure = blend_weights(np.array(baseline), np.array(side), targets, limits)
    assert failure is None
    return weights


def test_several_predictions_of_a_symbol_are_weighted_by_confidence() -> None:
    answers = [predicted(0.1, 0.6), predicted(0.4, 0.9), predicted(-0.2, 0.5)]
    targets = collect_targets(answers, places(1, 1, 2), np.array([0.3, 0.2, -0.1]), 0.5)
    # (0.6 0.1 + 0.9 0.4) / 1.5
    assert targets.weight[1:] == pytest.approx([0.28, -0.2])
    assert targets.confidence == pytest.approx([0.0, 0.75, 0.5])
    assert np.isnan(targets.weight[0])
    assert targets.used.tolist() == [False, True, True]


def test_missing_and_unsure_predictions_do_not_count() -> None:
    answers = [predicted(0.1, 0.499), None, predicted(0.3, 0.5), predicted(0.9, 0.2)]
    targets = collect_targets(answers, places(0, 1, 2, 2), np.full(3, 0.05), 0.5)
    assert targets.used.tolist() == [False, False, True]
    assert targets.weight[2] == pytest.approx(0.3)
    assert targets.confidence.tolist() == [0.0, 0.0, 0.5]


def test_no_predictions_at_all_use_nothing() -> None:
    targets = collect_targets([], places(), np.zeros(2), 0.5)
    assert targets.used.tolist() == [False, False]
    assert targets.confidence.tolist() == [0.0, 0.0]


def test_predictions_of_confidence_zero_are_used_at_weight_zero() -> None:
    answers = [predicted(0.1, 0.0), predicted(0.3, 0.0)]
    targets = collect_targets(answers, places(0, 0), np.array([0.05]), 0.0)
    assert targets.used.tolist() == [True]
    assert targets.confidence.tolist() == [0.0]
    assert np.isfinite(targets.weight).all()
    kept = blended([0.05], [1.0], targets, limits_of(0.15, 0.8, 1))
    assert kept.tolist() == [0.05]


def test_every_prediction_needs_its_place() -> None:
    with pytest.raises(ValueError, match="zip"):
        collect_targets([predicted(0.1, 0.9)], places(0, 1), np.zeros(2), 0.5)


@given(
    rows=st.lists(
        st.tuples(st.floats(0.0, 0.15), st.lists(UNIT, min_size=1, max_size=4)),
        min_size=1,
        max_size=5,
    ),
    short=st.booleans(),
)
@example(rows=[(0.1, [0.7])], short=False)
@example(rows=[(0.07, [0.55, 0.9, 0.61])], short=True)
@settings(max_examples=200, deadline=None)
def test_a_policy_that_answers_phase_2_changes_nothing_to_the_last_bit(
    rows: list[tuple[float, list[float]]],
    short: bool,  # noqa: FBT001 - a case
) -> None:
    baseline = np.array([weight for weight, _ in rows])
    side = np.where(np.arange(len(rows)) % 2 == int(short), -1.0, 1.0)
    answers = [
        predicted(float(side[row] * baseline[row]), confidence)
        for row, (_, confidences) in enumerate(rows)
        for confidence in confidences
    ]
    where = [row for row, (_, confidences) in enumerate(rows) for _ in confidences]
    targets = collect_targets(answers, places(*where), side * baseline, 0.0)
    limits = limits_of(0.15, float(baseline.sum()), len(rows))
    weights, failure = blend_weights(baseline, side, targets, limits)
    assert failure is None
    assert weights.tolist() == baseline.tolist()


@given(baseline=st.floats(0.0, 0.15), wanted=st.floats(-1.0, 1.0), confidence=UNIT)
def test_alone_the_blend_is_the_designs(baseline: float, wanted: float, confidence: float) -> None:
    targets = targets_of([wanted], [confidence])
    weights = blended([baseline], [1.0], targets, limits_of(0.15, 0.8, 1))
    clipped = min(max(wanted, 0.0), 0.15)
    expected = confidence * clipped + (1.0 - confidence) * baseline
    assert weights == pytest.approx([expected], abs=1e-15)


@pytest.mark.parametrize(
    ("side", "wanted", "expected"),
    [
        (1.0, 0.12, 0.08),
        (-1.0, -0.12, 0.08),
        (1.0, -0.12, 0.02),  # the other side counts as zero
        (-1.0, 0.12, 0.02),
        (1.0, 0.9, 0.095),  # beyond the cap counts as the cap
        (0.0, 0.12, 0.04),  # what Phase 1 closed stays
    ],
)
def test_the_target_is_clipped_to_the_symbols_side_and_cap_before_it_blends(
    side: float, wanted: float, expected: float
) -> None:
    targets = targets_of([wanted], [0.5])
    weights = blended([0.04], [side], targets, limits_of(0.15, 0.8, 1))
    assert weights == pytest.approx([expected])


def test_symbols_without_a_prediction_keep_phase_2_and_their_room() -> None:
    targets = targets_of([0.15, np.nan, 0.15], [1.0, 0.0, 1.0])
    weights = blended([0.02, 0.10, 0.02], [1.0] * 3, targets, limits_of(0.15, 0.3, 3))
    assert weights == pytest.approx([0.1, 0.1, 0.1], abs=1e-8)
    assert weights[1] == 0.10


def test_a_symbol_without_a_side_keeps_its_weight_and_its_room() -> None:
    targets = targets_of([0.15, 0.15], [1.0, 1.0])
    weights = blended([0.06, 0.02], [0.0, 1.0], targets, limits_of(0.15, 0.1, 2))
    assert weights == pytest.approx([0.06, 0.04], abs=1e-8)


@given(seed=seeds, count=st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_what_does_not_fit_is_the_nearest_point_of_the_room_left(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    limits = random_limits(rng, count, tight=True)
    baseline = rng.uniform(0.0, 0.05, count)
    excess = (limits.rows @ baseline / limits.room).max()
    baseline = np.minimum(baseline / max(excess, 1.0), limits.cap)
    side = rng.choice([-1.0, 0.0, 1.0], count)
    used = rng.random(count) < 0.7
    confidence = np.where(used, rng.random(count), 0.0)
    wanted = np.where(used, rng.uniform(-0.3, 1.0, count) * side, np.nan)
    targets = PolicyTargets(wanted, confidence, used)
    weights, failure = blend_weights(baseline, side, targets, limits)
    assert failure is None
    free = used & (side != 0.0)
    assert (weights[~free] == baseline[~free]).all()
    clipped = np.clip(np.where(used, wanted, 0.0) * side, 0.0, limits.cap)
    aim = (confidence * clipped + (1.0 - confidence) * baseline)[free]
    assert (limits.rows @ weights <= limits.room + 1e-8).all()
    assert (weights[free] <= aim + 1e-12).all()
    if free.any():
        room = np.maximum(limits.room - limits.rows[:, ~free] @ baseline[~free], 0.0)
        best = nearest_point(aim, limits.cap[free], limits.rows[:, free], room)
        far = np.linalg.norm(weights[free] - aim)
        assert far <= np.linalg.norm(best - aim) + 1e-7


def test_a_blend_does_not_change_its_inputs() -> None:
    baseline = np.array([0.02, 0.1])
    blend_weights(baseline, np.ones(2), targets_of([0.15, 0.0], [1.0, 1.0]), limits_of(0.1, 0.1, 2))
    assert baseline.tolist() == [0.02, 0.1]


def test_a_failing_projection_is_reported() -> None:
    limits = Limits(
        np.full(2, 0.15), np.array([[1e20, 1.0]]), np.array([0.05]),
        (LimitRow("portfolio", "portfolio"),), np.array([0.05]),
    )  # fmt: skip
    targets = targets_of([0.15, 0.15], [1.0, 1.0])
    weights, failure = blend_weights(np.zeros(2), np.ones(2), targets, limits)
    assert failure
    assert (limits.rows @ weights <= 0.05 + 1e-9).all()
