"""The report asks each fold's model on its own days, and plays what it said."""

from dataclasses import replace

import numpy as np
import pytest

from inference_server.training.evaluate.acceptance import (
    Fits,
    JudgedUniverse,
    drift_neutral_returns,
    judge_universe,
    placebo_gains,
    served_gain,
)
from inference_server.training.fit.walk_forward import FOLDS
from inference_server.training.play.served_exact import TradingTerms, play_multiplier, play_policy
from tests.inference_server.training.fits import drawn_fitted, made_up

WARM_UP = 60


@pytest.fixture(scope="module")
def judged() -> JudgedUniverse:
    """Two years before the first fold, and a year and a half of it."""
    tape, tensors = made_up("noise", "2001-01-01", 900)
    fits: Fits = {fold.name: drawn_fitted(10 * place) for place, fold in enumerate(FOLDS)}
    return judge_universe(tape, tensors, fits)


def test_what_was_said_played_back_is_the_policy_played(judged: JudgedUniverse) -> None:
    terms = TradingTerms()
    live = play_policy(judged.tape, judged.full, judged.rows, terms)
    replayed = play_multiplier(judged.tape, judged.multipliers, judged.rows, terms)
    np.testing.assert_array_equal(live.returns, replayed.returns)
    alone = play_multiplier(judged.tape, None, judged.rows, terms)
    ratios = [
        run.returns[WARM_UP:].mean() / run.returns[WARM_UP:].std(ddof=1) * 252.0**0.5
        for run in (live, alone)
    ]
    assert served_gain(judged) == pytest.approx(ratios[0] - ratios[1], abs=1e-12)
    assert served_gain(judged) != 0.0


def test_nobody_speaks_before_the_first_fold_or_without_a_baseline(judged: JudgedUniverse) -> None:
    first = judged.tape.row_of(FOLDS[0].first) - judged.rows.start
    assert first == WARM_UP
    assert (judged.multipliers[:first] == 1.0).all()
    # a book without any short is a long/flat one, of which a long/short model says nothing
    baseline = judged.tape.baseline[judged.rows]
    spoken = (baseline != 0.0) & (baseline < 0.0).any(axis=1, keepdims=True)
    assert 0.5 < spoken.mean() < 0.9
    assert (judged.multipliers[~spoken] == 1.0).all()
    assert (judged.multipliers[first:-1][spoken[first:-1]] != 1.0).all()
    assert str(judged.dates[0]) >= FOLDS[0].first


def test_without_its_drift_no_symbol_gains_by_being_held(judged: JudgedUniverse) -> None:
    days = slice(judged.rows.start + WARM_UP, judged.rows.stop - 1)
    neutral = drift_neutral_returns(judged)
    np.testing.assert_allclose(neutral[days].mean(axis=0), 0.0, atol=1e-15)
    moved = judged.tape.ahead[days] - neutral[days]
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-15)
    assert (neutral[: days.start] == judged.tape.ahead[: days.start]).all()


def test_the_placebo_moves_multipliers_within_their_side(judged: JudgedUniverse) -> None:
    gains = placebo_gains(judged, TradingTerms(), count=5)
    assert len(set(gains.tolist())) == 5
    # what is the same on every day of a side is the same wherever it is moved to
    side = judged.tape.baseline[judged.rows]
    multipliers = np.where(side > 0.0, 0.7, np.where(side < 0.0, 1.4, 1.0))
    constant = replace(judged, multipliers=multipliers)
    np.testing.assert_allclose(
        placebo_gains(constant, TradingTerms(), count=3), served_gain(constant), atol=1e-12
    )
