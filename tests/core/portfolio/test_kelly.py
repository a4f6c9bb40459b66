"""Multi-asset Kelly against closed forms of the design's problem (section 2), worked by hand.

Inside the limits the optimum solves D Sigma D u = k e, with e_j = U_j sigma_j^2 / k, and
``pull`` is U sigma; where nothing is said of it, U is S.
"""

import math
from typing import Any

import numpy as np
import pytest

from app.core.limits import LimitRow, Limits
from app.core.portfolio.kelly import KellyAnswer, KellyProblem, optimal_weights
from app.core.types import FloatArray


def answer_to(
    size: list[float],
    correlation: float,
    *,
    side: list[float] | None = None,
    volatility: list[float] | None = None,
    cap: float = 1.0,
    room: float = 9.0,
    **changes: Any,
) -> KellyAnswer:
    count = len(size)
    matrix = np.full((count, count), correlation)
    np.fill_diagonal(matrix, 1.0)
    name = LimitRow("portfolio", "portfolio")
    limits = Limits(
        np.full(count, cap), np.ones((1, count)), np.array([room]), (name,), np.array([room])
    )
    parts: dict[str, Any] = {
        "size": np.array(size),
        "side": np.array(side or [1.0] * count),
        "volatility": np.array(volatility or [0.1] * count),
        "matrix": matrix,
        "loadings": None,
        "limits": limits,
        "fraction": 0.25,
        "cost_pct": 0.0,
        "current": np.zeros(count),
    }
    parts |= {"pull": parts["size"] * parts["volatility"]} | changes
    return optimal_weights(KellyProblem(**parts))


def weights(*arguments: Any, **keywords: Any) -> FloatArray:
    return answer_to(*arguments, **keywords).weights


def test_uncorrelated_symbols_get_their_sizes() -> None:
    assert weights([0.06, 0.02, 0.1], 0.0) == pytest.approx([0.06, 0.02, 0.1])


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("correlation", [0.2, 0.5, 0.9])
def test_equal_symbols_share_what_their_correlation_leaves(count: int, correlation: float) -> None:
    expected = 0.06 / (1.0 + (count - 1) * correlation)
    assert weights([0.06] * count, correlation) == pytest.approx([expected] * count)


def test_two_unequal_symbols_solve_two_linear_equations() -> None:
    # s1^2 u1 + 0.5 s1 s2 u2 = S1 s1^2 with s = 0.1, 0.2 and S = 0.08, 0.05:
    # u1 + u2 = 0.08; u1 / 4 + u2 = 0.05
    assert weights([0.08, 0.05], 0.5, volatility=[0.1, 0.2]) == pytest.approx([0.04, 0.04])


def test_a_symbol_that_only_repeats_a_better_one_gets_nothing() -> None:
    # u1 + 0.8 u2 = 0.1 and 0.8 u1 + u2 = 0.05 has u2 < 0: it is held at 0
    assert weights([0.1, 0.05], 0.8) == pytest.approx([0.1, 0.0], abs=1e-12)


def test_a_hedge_never_raises_a_symbol_above_its_size() -> None:
    assert weights([0.06, 0.04], 0.5, side=[1.0, -1.0]) == pytest.approx([0.06, 0.04])


def test_two_shorts_share_like_two_longs() -> None:
    assert weights([0.06, 0.06], 0.5, side=[-1.0, -1.0]) == pytest.approx([0.04, 0.04])


def test_a_capped_symbol_leaves_the_other_its_own_optimum() -> None:
    # u1 = 0.05 is capped, u2 = 0.06 - 0.5 0.05
    answer = answer_to([0.1, 0.06], 0.5, cap=0.05)
    assert answer.weights == pytest.approx([0.05, 0.035])
    # price of the cap: (0.1 - 0.05 - 0.5 0.035) 0.01 / 0.25
    assert answer.cap_price == pytest.approx([0.0013, 0.0], abs=1e-9)


def test_a_full_portfolio_equalises_the_marginal_growth_of_its_members() -> None:
    # uncorrelated, S = 0.2 and 0.1, together at most 0.15: both give 0.075
    answer = answer_to([0.2, 0.1], 0.0, room=0.15)
    assert answer.weights == pytest.approx([0.125, 0.025])
    # price: 0.075 0.01 / 0.25
    assert answer.row_price == pytest.approx([0.003])


def test_the_calmer_of_two_gives_more_to_a_full_portfolio() -> None:
    # s^2 (S - u) is the same for both: (0.1 - u1) 0.01 = (0.1 - u2) 0.04, u1 + u2 = 0.15
    answer = answer_to([0.1, 0.1], 0.0, volatility=[0.1, 0.2], room=0.15)
    assert answer.weights == pytest.approx([0.06, 0.09])
    assert answer.row_price == pytest.approx([0.04 * 0.01 / 0.25])


def test_the_kelly_fraction_changes_prices_and_not_weights() -> None:
    half = answer_to([0.2, 0.1], 0.3, room=0.15, fraction=0.5)
    quarter = answer_to([0.2, 0.1], 0.3, room=0.15, fraction=0.25)
    assert half.weights == pytest.approx(quarter.weights)
    assert quarter.row_price == pytest.approx(2.0 * half.row_price)


def test_factors_give_what_their_matrix_gives() -> None:
    loadings = np.full((2, 1), math.sqrt(0.5))
    assert weights([0.06, 0.06], 0.0, matrix=None, loadings=loadings) == pytest.approx(
        [0.04, 0.04], abs=1e-8
    )
    assert weights(
        [0.06, 0.04], 0.0, matrix=None, loadings=loadings, side=[1.0, -1.0]
    ) == pytest.approx([0.06, 0.04], abs=1e-8)


def test_a_cost_is_paid_by_each_unit_that_moves() -> None:
    # e - (u1 + u2 / 2) s^2 / k = c, c k / s^2 = 0.01: u1 + u2 / 2 = 0.05 for both
    found = weights([0.06, 0.06], 0.5, cost_pct=0.0004)
    assert found == pytest.approx([0.05 / 1.5] * 2, abs=1e-8)
    # a first symbol that stays at 0.04 pays nothing: u2 = 0.05 - 0.02
    held = weights([0.06, 0.06], 0.5, cost_pct=0.0004, current=np.array([0.04, 0.0]))
    assert held == pytest.approx([0.04, 0.03], abs=1e-8)


def test_claims_above_the_cap_compete_by_edge_and_not_by_variance() -> None:
    # e = mu, U = k mu / sigma^2: 4 calm ones of 10 and 2 wild ones of 0.625, all S = 0.5
    volatility = [0.05] * 4 + [0.2] * 2
    pull = np.array([0.25 * 0.1 / sigma for sigma in volatility])
    found = weights([0.5] * 6, 0.0, volatility=volatility, pull=pull, cap=0.15, room=0.8)
    # (0.1 - 4 u 0.04) = (0.1 - 4 w 0.0025) would need u below w / 16: the calm ones are full
    assert found == pytest.approx([0.15] * 4 + [0.1] * 2)


def test_a_negative_pull_opens_nothing_and_leaves_the_other_alone() -> None:
    found = weights([0.1, 0.1], 0.5, pull=np.array([-0.002, 0.005]))
    assert found == pytest.approx([0.0, 0.05])
