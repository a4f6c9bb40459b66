"""Positions as weights: which have one, and what is refused."""

import pytest

from app.core.errors import InvalidInput
from app.core.portfolio.valuation import require_finite_values, value_positions


<<<<<<< HEAD
def test_a_position_is_worth_its_quantity_at_the_given_or_else_the_last_price() -> None:
    weights = value_positions(
        {"B": -2.0, "A": 0.5, "Aflat": 0.0},
        {"A": 20_000.0},
        {"A": 1.0, "B": 100.0, "Aflat": None},
        100_000.0,
    )
=======
def test_a_position_is_worth_its_quantity_at_its_price() -> None:
    prices = {"A": 20_000.0, "B": 100.0, "flat": 1.0}
    weights = value_positions({"B": -2.0, "A": 0.5, "flat": 0.0}, prices, 100_000.0)
>>>>>>> l6b
    assert weights == {"A": pytest.approx(0.1), "B": pytest.approx(-0.002)}
    assert list(weights) == ["A", "B"]


<<<<<<< HEAD
def test_a_position_without_any_price_is_refused_by_name() -> None:
    with pytest.raises(UnknownPrice) as refusal:
        value_positions({"A": 1.0, "B": 2.5}, {"A": 1.0}, {"B": None}, 1000.0)
    (problem,) = refusal.value.problems
    assert problem.path == "current_positions.B"
    assert problem.was == 2.5
    assert problem.message == "a held symbol needs a price in current_prices; none is known"
    with pytest.raises(UnknownPrice):
        value_positions({"B": 2.5}, {}, {}, 1000.0)
=======
def test_a_position_without_a_price_has_no_weight() -> None:
    assert value_positions({"A": 1.0, "B": 2.5}, {"A": 10.0}, 1000.0) == {"A": 0.01}
>>>>>>> l6b


@pytest.mark.parametrize(("quantity", "value"), [(1e300, 1e-100), (-1e308, 1.0)])
def test_a_position_beyond_the_number_range_is_refused(quantity: float, value: float) -> None:
    with pytest.raises(InvalidInput) as refusal:
<<<<<<< HEAD
        value_positions({"A": quantity}, {"A": 1e10}, {}, value)
    assert not isinstance(refusal.value, UnknownPrice)
    (problem,) = refusal.value.problems
    assert problem.path == "current_positions.A"
    assert problem.was == quantity
    assert problem.message == "quantity times price must be a finite share of portfolio_value"
=======
        require_finite_values({"A": quantity}, {"A": [1e10]}, [value, 1e300])
    assert refusal.value.problems[0].path == "current_positions.A"
    assert refusal.value.problems[0].was == quantity


def test_a_position_without_any_price_is_not_refused() -> None:
    require_finite_values({"A": 1e308}, {}, [1.0])
>>>>>>> l6b
