"""Coverage of the adaptive scaler over 1,000 stationary steps, and its answer to a false claim."""

from collections.abc import Callable

import numpy as np
import pytest

from app.core.books.records import RecordBook
from app.core.params import ConformalParams, RecordParams
from app.core.stages.conformal import conformal_scales
from app.core.types import FloatArray
from tests.core.lessons import lesson

PARAMS = ConformalParams()
Draw = Callable[[np.random.Generator, int], FloatArray]

DISTRIBUTIONS: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(0.0, 1.0, n),
    "student, 3 degrees of freedom": lambda rng, n: rng.standard_t(3, n),
    "laplace": lambda rng, n: rng.laplace(0.0, 1.0, n),
    "uniform": lambda rng, n: rng.uniform(-1.0, 1.0, n),
    "skewed": lambda rng, n: rng.exponential(1.0, n) - 1.0,
    "two values, nearly": lambda rng, n: rng.choice([-1.0, 2.0], n) + rng.normal(0.0, 0.01, n),
}


def walk(returns: FloatArray, volatility: float) -> RecordBook:
    book = RecordBook(PARAMS, RecordParams(), 3)
    for value in returns.tolist():
        book.observe(lesson("a", value, 0.001, volatility))
    return book


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", list(DISTRIBUTIONS))
def test_coverage_over_a_thousand_stationary_steps_is_90_percent_within_2(
    name: str, seed: int
) -> None:
    noise = DISTRIBUTIONS[name](np.random.default_rng(seed), 1020)
    coverage = walk(0.001 + 0.02 * noise, 0.02).coverage()
    assert coverage is not None
    assert 0.88 <= coverage <= 0.92


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_coverage_returns_after_volatility_doubles(seed: int) -> None:
    rng = np.random.default_rng(seed)
    noise = np.concatenate((rng.normal(0.0, 1.0, 400), rng.normal(0.0, 2.0, 1600)))
    coverage = walk(0.001 + 0.02 * noise, 0.02).coverage()
    assert coverage is not None
    assert 0.88 <= coverage <= 0.92


@pytest.mark.parametrize(("understated", "scale"), [(1.0, 1.0), (2.0, 0.25), (4.0, 0.0625)])
def test_a_volatility_claimed_too_small_shrinks_the_size_as_the_square(
    understated: float, scale: float
) -> None:
    scales = []
    for seed in range(8):
        noise = np.random.default_rng(seed).normal(0.0, 0.02, 1000)
        book = walk(0.001 + noise, 0.02 / understated)
        scales.append(conformal_scales(book.gather(["a"]).quantile, PARAMS)[0])
    # a quantile of 200 residuals is known to some 6 %, its square to 12 %
    assert np.mean(scales) == pytest.approx(scale, rel=0.12)


def test_a_volatility_claimed_too_large_never_raises_the_size() -> None:
    noise = np.random.default_rng(1).normal(0.0, 0.02, 500)
    quantile = walk(0.001 + noise, 0.2).gather(["a"]).quantile
    assert quantile[0] < 1.0
    assert conformal_scales(quantile, PARAMS).tolist() == [1.0]
