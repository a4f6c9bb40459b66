"""Claims of different horizons brought to one: returns with time, volatilities with its root."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.stages.horizon import Claims, bring_to_horizon
from app.core.types import FloatArray

DAY = 86_400.0
SILENT = float("nan")


def columns(*values: float) -> FloatArray:
    return np.array(values, dtype=np.float64)


def brought(said: float, mean: float = 0.01, sigma: float = 0.02, horizon: float = DAY) -> Claims:
    return bring_to_horizon(columns(said), columns(mean), columns(sigma), horizon)


@pytest.mark.parametrize(
    ("said", "mean", "sigma"),
    [
        (DAY, 0.01, 0.02),
        # a quarter of a day: four times the return, twice the volatility
        (DAY / 4, 0.04, 0.04),
        (3_600.0, 0.24, 0.02 * 24**0.5),
        # four days: a quarter of the return, half the volatility
        (4 * DAY, 0.0025, 0.01),
    ],
)
def test_returns_grow_with_time_and_volatilities_with_its_root(
    said: float, mean: float, sigma: float
) -> None:
    claims = brought(said)
    assert claims.expected_return == pytest.approx([mean])
    assert claims.volatility == pytest.approx([sigma])
    assert claims.span == pytest.approx([said / DAY])
    assert claims.horizon_sec.tolist() == [said]


def test_a_signal_that_says_no_horizon_means_the_one_of_the_settings() -> None:
    for others in ((), (3_600.0,)):
        said = columns(SILENT, *others)
        same = np.full(len(said), 0.01)
        claims = bring_to_horizon(said, same, same, 7 * DAY)
        assert claims.horizon_sec[0] == 7 * DAY
        assert claims.span[0] == 1.0
        assert (claims.expected_return[0], claims.volatility[0]) == (0.01, 0.01)


def test_what_was_not_claimed_stays_unclaimed() -> None:
    claims = brought(60.0, SILENT, SILENT)
    assert np.isnan(claims.expected_return).all()
    assert np.isnan(claims.volatility).all()


def test_no_claims_are_no_claims() -> None:
    assert bring_to_horizon(columns(), columns(), columns(), DAY).span.shape == (0,)


@given(
    said=st.floats(1e-300, 1e300),
    mean=st.floats(-1.7e308, 1.7e308),
    sigma=st.floats(5e-324, 1.7e308),
)
def test_claims_at_the_ends_of_their_range_stay_finite_and_volatilities_above_zero(
    said: float, mean: float, sigma: float
) -> None:
    claims = brought(said, mean, sigma)
    assert np.isfinite(claims.expected_return).all()
    assert np.isfinite(claims.volatility).all()
    assert (claims.volatility > 0.0).all()
    assert 1e-12 <= claims.span[0] <= 1e12
