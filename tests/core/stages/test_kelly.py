"""The calibrated claim against exact rational arithmetic of the design's formulas."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.params import KellyParams
from app.core.stages.kelly import believed_claims, calibrate, kelly_sizes, win_rate
from app.core.types import FloatArray

PARAMS = KellyParams()
OPEN = np.array([True])


def sums_of(*pairs: tuple[float, float]) -> FloatArray:
    """Return the sums of one strategy's observations (claim, outcome), of weight 1 each."""
    rows = [(1.0, c, c * c, z, c * z, float(z > 0.0), float(z < 0.0)) for c, z in pairs]
    sums: FloatArray = np.array(rows).reshape(-1, 7).sum(axis=0).reshape(7, 1)
    return sums


def exact(pairs: list[tuple[Fraction, Fraction]], prior: int = 1000) -> tuple[Fraction, Fraction]:
    """Posterior mean (a, b) by Cramer's rule; b = 0 where it would be negative."""
    first = prior + Fraction(len(pairs))
    cross = sum((c for c, _ in pairs), Fraction(0))
    second = 1 + sum((c * c for c, _ in pairs), Fraction(0))
    outcome = sum((z for _, z in pairs), Fraction(0))
    product = 1 + sum((c * z for c, z in pairs), Fraction(0))
    determinant = first * second - cross * cross
    slope = (first * product - cross * outcome) / determinant
    if slope < 0:
        return outcome / first, Fraction(0)
    return (second * outcome - cross * product) / determinant, slope


def test_without_a_record_a_claim_is_worth_what_it_says() -> None:
    found = calibrate(np.zeros((7, 2)), PARAMS)
    assert found.intercept.tolist() == [0.0, 0.0]
    assert found.slope.tolist() == [1.0, 1.0]
    assert found.weight.tolist() == [0.0, 0.0]


def test_who_claims_nothing_is_judged_by_the_record() -> None:
    # 60 outcomes of 0.2 volatilities: 12 / 1060
    found = calibrate(sums_of(*[(0.0, 0.2)] * 60), PARAMS)
    assert found.intercept == pytest.approx([12 / 1060])
    assert found.slope == pytest.approx([1.0])


def test_who_claims_too_much_is_believed_less() -> None:
    # 250 claims of 0.1 and nothing came of them: a + 0.1 b = 100 / (1250 3.5 - 625)
    found = calibrate(sums_of(*[(0.1, 0.0)] * 250), PARAMS)
    assert found.intercept + 0.1 * found.slope == pytest.approx([100.0 / 3750.0])
    assert found.slope[0] < 0.5


def test_claims_that_turn_out_the_other_way_are_worth_nothing_and_the_rest_is_fitted_again() -> (
    None
):
    pairs = [(0.1, -5.0)] * 10 + [(0.0, 5.0)] * 4
    found = calibrate(sums_of(*pairs), PARAMS)
    assert found.slope.tolist() == [0.0]
    assert found.intercept == pytest.approx([-30.0 / 1014.0])


@given(
    st.lists(
        st.tuples(
            st.fractions(0, Fraction(1, 10), max_denominator=1000),
            st.fractions(-5, 5, max_denominator=1000),
        ),
        max_size=40,
    )
)
def test_it_is_the_exact_posterior_mean(pairs: list[tuple[Fraction, Fraction]]) -> None:
    found = calibrate(sums_of(*[(float(c), float(z)) for c, z in pairs]), PARAMS)
    intercept, slope = exact(pairs)
    assert found.intercept == pytest.approx([float(intercept)], rel=1e-9, abs=1e-12)
    assert found.slope == pytest.approx([float(slope)], rel=1e-9, abs=1e-9)


def test_claims_are_believed_up_to_the_largest_and_none_is_a_claim_of_nothing() -> None:
    said = np.array([0.05, 0.1, 0.3, np.inf, -0.1, np.nan])
    assert believed_claims(said, PARAMS).tolist() == [0.05, 0.1, 0.1, 0.1, 0.0, 0.0]


@pytest.mark.parametrize(
    ("sharpe", "volatility", "weight", "by_hand"),
    [
        (0.05, 0.1, 0.0, 0.124875125),  # 0.25 0.05 / 0.1 / 1.001
        (0.05, 0.1, 1000.0, 0.124937531),  # / 1.0005
        (0.1, 0.05, 0.0, 0.499500500),
        (0.1, 0.01, 0.0, 2.497502498),  # no cap here
        (0.0, 0.1, 0.0, 0.0),
        (-0.01, 0.1, 50.0, 0.0),
    ],
)
def test_the_size_is_the_formula(
    sharpe: float, volatility: float, weight: float, by_hand: float
) -> None:
    found = kelly_sizes(
        np.array([sharpe]), np.array([volatility]), np.array([weight]), OPEN, PARAMS
    )
    assert found == pytest.approx([by_hand], abs=1e-9)


def test_what_is_not_open_for_trade_has_no_size() -> None:
    found = kelly_sizes(np.full(2, 0.1), np.full(2, 0.1), np.zeros(2), ~np.full(2, OPEN), PARAMS)
    assert found.tolist() == [0.0, 0.0]


def test_a_tiny_volatility_leaves_a_finite_size() -> None:
    with np.errstate(over="ignore"):
        found = kelly_sizes(np.array([0.1]), np.array([5e-324]), np.zeros(1), OPEN, PARAMS)
    assert found.tolist() == [1e100]


@pytest.mark.parametrize(
    ("wins", "losses", "rate"), [(0, 0, 0.5), (8, 12, 0.45), (30, 10, 2 / 3), (0, 20, 0.25)]
)
def test_the_win_rate_is_the_mean_of_beta_ten_ten(wins: int, losses: int, rate: float) -> None:
    found = win_rate(np.array([float(wins)]), np.array([float(losses)]), PARAMS)
    assert found == pytest.approx([rate], rel=1e-15)


def test_an_edge_of_exactly_the_least_edge_is_sized_and_a_smaller_one_is_not() -> None:
    params = KellyParams(min_edge=0.01)
    sharpes, volatility = np.array([0.1, 0.0999]), np.full(2, 0.1)
    sizes = kelly_sizes(sharpes, volatility, np.zeros(2), np.full(2, fill_value=True), params)
    assert sizes == pytest.approx([0.249750250, 0.0])


def test_double_the_volatility_at_the_same_return_is_a_quarter_of_the_size() -> None:
    returns, volatility = 0.002, np.array([0.1, 0.2])
    sizes = kelly_sizes(returns / volatility, volatility, np.zeros(2), np.full(2, OPEN), PARAMS)
    assert sizes[0] == pytest.approx(4.0 * sizes[1])
