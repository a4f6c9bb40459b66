"""EWMA volatility of a window of returns."""

import numpy as np
import pytest

from inference_server.model.volatility import ewma_volatility
from tests.inference_server.model.books import history


def recursion(returns: list[float]) -> float:
    """Compute it one return after the other, normalised by the weights there were."""
    variance = weight = 0.0
    for each in returns:
        variance = 0.94 * variance + 0.06 * each * each
        weight = 0.94 * weight + 0.06
    return float(np.sqrt(variance / weight))


@pytest.mark.parametrize("known", [1, 2, 20, 255, 256])
def test_it_is_the_recursion_over_what_history_there_is(known: int) -> None:
    returns = history(5, known).astype(np.float64)
    window = np.zeros((1, 256))
    window[0, 256 - known :] = returns
    assert ewma_volatility(window)[0] == pytest.approx(recursion(returns.tolist()), rel=1e-12)


def test_a_day_without_a_move_counts_once_there_was_one() -> None:
    window = np.zeros((1, 256))
    window[0, -3:] = (0.02, 0.0, 0.0)
    assert ewma_volatility(window)[0] == pytest.approx(recursion([0.02, 0.0, 0.0]), rel=1e-12)


def test_a_price_that_never_moved_has_none() -> None:
    assert ewma_volatility(np.zeros((2, 256))).tolist() == [0.0, 0.0]
