"""Regime multipliers and majorities against the design's table (section 1, step 4)."""

import numpy as np
import pytest

from app.core.params import RegimeParams
from app.core.stages.regime import majority_regime, most_defensive, regime_factors
from app.core.types import REGIMES, Regime

UP, FLAT, DOWN = Regime.TRENDING_UP, Regime.RANGING, Regime.TRENDING_DOWN
WILD, CRISIS = Regime.HIGH_VOLATILITY, Regime.CRISIS


@pytest.mark.parametrize(
    ("regime", "long", "short"),
    [(UP, 1.2, 0.8), (FLAT, 1.0, 1.0), (DOWN, 0.8, 1.2), (WILD, 0.6, 0.6), (CRISIS, 0.2, 0.2)],
)
def test_the_multipliers_are_the_table_and_trends_are_mirrored_for_shorts(
    regime: Regime, long: float, short: float
) -> None:
    codes = np.full(2, REGIMES.index(regime))
    factors = regime_factors(codes, np.array([1.0, -1.0]), RegimeParams())
    assert factors.tolist() == [long, short]


def test_each_row_has_its_own_regime_and_direction() -> None:
    codes = np.array([REGIMES.index(regime) for regime in (CRISIS, UP, DOWN, UP)])
    factors = regime_factors(codes, np.array([-1.0, 1.0, -1.0, -1.0]), RegimeParams())
    assert factors.tolist() == [0.2, 1.2, 1.2, 0.8]
    # HOLD counts as a long; its size is zero anyway
    assert regime_factors(codes, np.zeros(4), RegimeParams()).tolist() == [0.2, 1.2, 0.8, 1.2]


@pytest.mark.parametrize(
    ("claims", "winner"),
    [
        ([(UP, 0.3)], UP),
        ([(UP, 0.9), (CRISIS, 0.5)], UP),
        ([(UP, 0.9), (CRISIS, 0.5), (CRISIS, 0.41)], CRISIS),
        ([(UP, 0.5), (FLAT, 0.5)], FLAT),
        ([(DOWN, 0.5), (FLAT, 0.5)], DOWN),
        ([(WILD, 0.5), (DOWN, 0.5), (UP, 0.5)], WILD),
        ([(CRISIS, 0.5), (WILD, 0.5)], CRISIS),
        ([(CRISIS, 0.3), (UP, 0.1), (UP, 0.2)], CRISIS),  # 0.1 + 0.2 ties with 0.3
        ([(UP, 0.1), (UP, 0.2), (CRISIS, 0.3)], CRISIS),
        ([(UP, 0.0), (DOWN, 0.0)], DOWN),
    ],
)
def test_the_majority_is_by_confidence_and_ties_go_to_the_more_defensive(
    claims: list[tuple[Regime, float]], winner: Regime
) -> None:
    assert majority_regime(claims) is winner
    assert majority_regime(claims[::-1]) is winner


def test_regimes_are_ordered_by_defensiveness_and_none_is_neutral() -> None:
    order = [UP, FLAT, DOWN, WILD, CRISIS]
    for place in range(len(order)):
        assert most_defensive(order[: place + 1]) is order[place]
        assert most_defensive(order[place::-1]) is order[place]
    assert most_defensive([]) is FLAT
