"""What is held: parts follow weights, weights follow parts."""

import pytest

from app.core.limits.holdings import HeldBook, HeldUse


@pytest.fixture
def book() -> HeldBook:
    """Hold A for two strategies, B for one of them, C for nobody; D is not held."""
    owners = {"A": {"one": 0.25, "two": 0.75}, "B": {"one": 1.0}, "D": {"one": 1.0}}
    held = HeldBook(owners)
    for symbol, weight in {"A": 0.2, "B": -0.1, "C": 0.4}.items():
        held.hold(symbol, weight)
    return held


def test_owners_have_their_shares_of_a_symbol(book: HeldBook) -> None:
    assert book.weights == {"A": 0.2, "B": -0.1, "C": 0.4}
    assert book.owned == {("A", "one"): 0.05, ("A", "two"): pytest.approx(0.15), ("B", "one"): -0.1}
    assert book.holdings().weights is book.weights
    assert book.holdings().by_strategy == pytest.approx({"one": 0.15, "two": 0.15})


def test_a_scaled_symbol_takes_every_owners_part_along(book: HeldBook) -> None:
    book.scale({"A", "C"}, 0.5)
    assert book.weights == {"A": 0.1, "B": -0.1, "C": 0.2}
    assert book.owned == {
        ("A", "one"): 0.025,
        ("A", "two"): pytest.approx(0.075),
        ("B", "one"): -0.1,
    }


def test_a_scaled_strategy_takes_its_part_of_each_weight_along(book: HeldBook) -> None:
    book.scale_strategy("one", 0.5)
    assert book.weights == {"A": pytest.approx(0.175), "B": -0.05, "C": 0.4}
    assert book.owned == {
        ("A", "one"): 0.025,
        ("A", "two"): pytest.approx(0.15),
        ("B", "one"): -0.05,
    }


def test_a_rescaled_copy_has_other_weights_and_the_owners_parts_follow(book: HeldBook) -> None:
    book.hold("E", 0.0)
    copy = book.rescaled({"A": 0.15, "C": 0.0, "E": 0.0})
    assert copy.weights == {"A": 0.15, "B": -0.1, "C": 0.0, "E": 0.0}
    assert copy.owned == {
        ("A", "one"): pytest.approx(0.0375),
        ("A", "two"): pytest.approx(0.1125),
    } | {("B", "one"): -0.1}
    assert copy.owners is book.owners
    assert copy.use is book.use
    assert copy.hits is book.hits
    assert book.weights["A"] == 0.2
    assert book.owned["A", "one"] == 0.05


def test_use_is_divided_by_the_cascade_multiplier_to_fit_limits_at_full_scale() -> None:
    use = HeldUse({"strategy": {"a": 0.1}, "group": {"g": 0.05}, "portfolio": {"portfolio": 0.15}})
    assert use.at_full_scale(0.25) == HeldUse(
        {"strategy": {"a": 0.4}, "group": {"g": 0.2}, "portfolio": {"portfolio": 0.6}},
        multiplier=0.25,
    )
    assert HeldUse(set_apart=0.1).at_full_scale(0.25).set_apart == 0.4
    assert use.at_full_scale(1.0) == use
    assert use.at_full_scale(0.0) == HeldUse()
