"""Positions as weights: which have one, and what is refused."""

import pytest

from app.core.errors import InvalidInput
from app.core.portfolio.valuation import require_finite_values, value_positions


def test_a_position_is_worth_its_quantity_at_its_price() -> None:
    prices = {"A": 20_000.0, "B": 100.0, "flat": 1.0}
    weights = value_positions({"B": -2.0, "A": 0.5, "flat": 0.0}, prices, 100_000.0)
    assert weights == {"A": pytest.approx(0.1), "B": pytest.approx(-0.002)}
    assert list(weights) == ["A", "B"]


def test_a_position_without_a_price_has_no_weight() -> None:
    assert value_positions({"A": 1.0, "B": 2.5}, {"A": 10.0}, 1000.0) == {"A": 0.01}


@pytest.mark.parametrize(("quantity", "value"), [(1e300, 1e-100), (-1e308, 1.0)])
def test_a_position_beyond_the_number_range_is_refused(quantity: float, value: float) -> None:
    with pytest.raises(InvalidInput) as refusal:
        require_finite_values({"A": quantity}, {"A": [1e10]}, [value, 1e300])
    assert refusal.value.problems[0].path == "current_positions.A"
    assert refusal.value.problems[0].was == quantity


def test_a_position_without_any_price_is_not_refused() -> None:
    require_finite_values({"A": 1e308}, {}, [1.0])
