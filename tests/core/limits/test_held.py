"""Held positions: the order in which limits cut them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.limits import HeldBook, HeldUse, cut_held
from app.core.params import LimitParams

LONG_ONLY = LimitParams()
BOTH = LimitParams(allow_short=True)


def hits_of(book: HeldBook) -> list[tuple[str, str, float, float]]:
    """Level, identifier, limit and request of each hit, rounded beyond rounding errors."""
    assert all(hit.shadow_price is None for hit in book.hits)
    return [
        (hit.level, hit.identifier, round(hit.limit, 12), round(hit.requested, 12))
        for hit in book.hits
    ]


def test_positions_within_the_limits_stay_to_the_last_bit() -> None:
    weights = {"A": 0.1, "B": -0.05}
    book = cut_held(weights, {"A": {"one": 1.0}}, 1.0, BOTH)
    assert book.weights == weights
    assert book.owned == {("A", "one"): 0.1}
    assert book.hits == []
    assert book.use.of("strategy") == {"one": 0.1}
    assert book.use.of("portfolio")["portfolio"] == pytest.approx(0.15)


def test_a_short_is_closed_where_shorts_are_off() -> None:
    book = cut_held({"A": -0.1}, {}, 1.0, LONG_ONLY)
    assert book.weights == {"A": 0.0}
    assert book.use.of("portfolio")["portfolio"] == 0.0
    assert book.hits == []


@pytest.mark.parametrize(("multiplier", "limit"), [(1.0, 0.15), (0.5, 0.075), (0.25, 0.0375)])
def test_each_symbol_is_cut_to_its_limit_times_the_multiplier(
    multiplier: float, limit: float
) -> None:
    book = cut_held({"A": 0.2, "B": -0.3}, {}, multiplier, BOTH)
    assert book.weights == {"A": pytest.approx(limit), "B": pytest.approx(-limit)}
    assert hits_of(book) == [("position", "A", limit, 0.2), ("position", "B", limit, 0.3)]


def test_a_symbols_own_cap_holds_where_it_is_smaller() -> None:
    params = LimitParams(symbol_caps={"A": 0.05, "B": 0.5})
    book = cut_held({"A": 0.2, "B": 0.2}, {}, 1.0, params)
    assert book.weights == {"A": 0.05, "B": 0.15}


def test_under_exit_everything_held_is_zero() -> None:
    book = cut_held({"A": 0.1, "B": -0.1}, {"A": {"one": 1.0}}, 0.0, BOTH)
    assert all(abs(weight) == 0.0 for weight in book.weights.values())
    assert book.owned == {("A", "one"): 0.0}
    assert book.use.of("portfolio")["portfolio"] == 0.0


def test_owners_share_a_position_by_their_shares() -> None:
    owners = {"A": {"one": 0.25, "two": 0.75}, "unheld": {"one": 1.0}, "B": {}}
    book = cut_held({"A": 0.12, "B": 0.1}, owners, 1.0, LONG_ONLY)
    assert book.owned == {
        ("A", "one"): pytest.approx(0.03),
        ("A", "two"): pytest.approx(0.09),
    }
    assert book.use.of("strategy") == {
        "one": pytest.approx(0.03),
        "two": pytest.approx(0.09),
    }
    assert book.use.of("portfolio")["portfolio"] == pytest.approx(0.22)


def test_symbols_are_cut_first_then_strategies_then_gross_by_one_factor() -> None:
    params = LimitParams(max_portfolio_pct=0.5)
    weights = {"A": 0.3, "B": 0.15, "C": 0.15, "D": 0.1, "E": 0.1}
    owners = {name: {"one": 1.0} for name in "ABC"}
    book = cut_held(weights, owners, 1.0, params)
    # symbols: A to 0.15; strategy: 0.45 to 0.40, a factor 8/9; gross: 0.60 to 0.50, a factor 5/6
    kept = 0.15 * 8 / 9 * 5 / 6
    assert book.weights == {
        "A": pytest.approx(kept),
        "B": pytest.approx(kept),
        "C": pytest.approx(kept),
        "D": pytest.approx(0.1 * 5 / 6),
        "E": pytest.approx(0.1 * 5 / 6),
    }
    assert hits_of(book) == [
        ("position", "A", 0.15, 0.3),
        ("strategy", "one", 0.4, 0.45),
        ("portfolio", "portfolio", 0.5, 0.6),
    ]
    assert book.owned["A", "one"] == pytest.approx(kept)
    assert book.use.of("strategy") == {"one": pytest.approx(3 * kept)}
    assert book.use.of("group") == {}
    assert book.use.of("portfolio")["portfolio"] == pytest.approx(0.5)


def test_a_strategy_over_its_limit_gives_up_its_own_parts_only() -> None:
    params = LimitParams(max_strategy_pct=0.1)
    owners = {"A": {"one": 0.5, "two": 0.5}, "B": {"one": 1.0}, "C": {"three": 1.0}}
    book = cut_held({"A": 0.1, "B": 0.15, "C": 0.09}, owners, 1.0, params)
    # one holds 0.05 + 0.15 and is halved; two keeps 0.05, three 0.09
    assert book.owned == {
        ("A", "one"): pytest.approx(0.025),
        ("A", "two"): pytest.approx(0.05),
        ("B", "one"): pytest.approx(0.075),
        ("C", "three"): 0.09,
    }
    assert book.weights == {
        "A": pytest.approx(0.075),
        "B": pytest.approx(0.075),
        "C": 0.09,
    }


def test_a_hold_of_what_is_not_held_weighs_nothing_even_when_its_strategy_is_cut() -> None:
    params = LimitParams(max_strategy_pct=0.1)
    owners = {"A": {"one": 1.0}, "unheld": {"one": 1.0}}
    book = cut_held({"A": 0.15}, owners, 1.0, params)
    assert book.weights["A"] == pytest.approx(0.1)
    assert book.weights.get("unheld", 0.0) == 0.0
    assert book.use.of("portfolio")["portfolio"] == pytest.approx(0.1)


def test_longs_and_shorts_of_a_strategy_both_count_as_gross() -> None:
    params = LimitParams(allow_short=True, max_strategy_pct=0.2)
    owners = {"A": {"one": 1.0}, "B": {"one": 1.0}}
    book = cut_held({"A": 0.15, "B": -0.15}, owners, 1.0, params)
    assert book.weights == {"A": pytest.approx(0.1), "B": pytest.approx(-0.1)}


def test_a_group_is_cut_after_strategies_and_before_gross() -> None:
    params = LimitParams(
        group_caps={"majors": 0.1, "ghost": 0.1}, groups={"majors": ("A", "B", "absent")}
    )
    book = cut_held({"A": 0.15, "B": 0.05, "C": 0.1}, {"A": {"one": 1.0}}, 1.0, params)
    assert book.weights == {"A": pytest.approx(0.075), "B": pytest.approx(0.025), "C": 0.1}
    assert book.owned == {("A", "one"): pytest.approx(0.075)}
    assert book.use.of("group") == {"ghost": 0.0, "majors": pytest.approx(0.1)}
    assert hits_of(book) == [("group", "majors", 0.1, 0.2)]


def test_every_limit_scales_with_the_multiplier() -> None:
    params = LimitParams(group_caps={"g": 0.1}, groups={"g": ("A", "B")})
    owners = {name: {"one": 1.0} for name in "CDE"}
    weights = dict.fromkeys("ABCDEFG", 1.0)
    whole, half = cut_held(weights, owners, 1.0, params), cut_held(weights, owners, 0.5, params)
    assert half.weights == {
        name: pytest.approx(weight / 2.0) for name, weight in whole.weights.items()
    }


def test_a_position_that_belongs_to_no_strategy_counts_for_gross_alone() -> None:
    book = cut_held({"A": 0.1}, {}, 1.0, LONG_ONLY)
    assert book.use == HeldUse({"strategy": {}, "group": {}, "portfolio": {"portfolio": 0.1}})
    assert book.owned == {}


@given(
    st.dictionaries(st.sampled_from("ABCDEFGH"), st.floats(-0.5, 0.5), min_size=1),
    st.sampled_from([1.0, 0.5, 0.25, 0.0]),
    st.data(),
)
def test_what_is_left_meets_every_limit_and_never_grows(
    weights: dict[str, float], multiplier: float, data: st.DataObject
) -> None:
    names = sorted(weights)
    share = st.sampled_from([0.0, 0.25, 1.0])
    owners = {
        name: {"one": drawn, "two": 1.0 - drawn} for name in names for drawn in [data.draw(share)]
    }
    params = LimitParams(
        allow_short=True,
        max_strategy_pct=0.3,
        max_portfolio_pct=0.5,
        group_caps={"g": 0.2},
        groups={"g": ("A", "B", "C")},
    )
    book = cut_held(weights, owners, multiplier, params)
    slack = 1e-12
    assert sum(map(abs, book.weights.values())) <= multiplier * 0.5 + slack
    assert all(abs(w) <= multiplier * 0.15 + slack for w in book.weights.values())
    assert all(w <= multiplier * 0.3 + slack for w in book.use.of("strategy").values())
    assert book.use.of("group")["g"] <= multiplier * 0.2 + slack
    for name in names:
        parts = [book.owned[name, owner] for owner in ("one", "two")]
        assert book.weights[name] == pytest.approx(sum(parts), abs=1e-15)
        assert abs(book.weights[name]) <= abs(weights[name])
        assert book.weights[name] * weights[name] >= 0.0
