"""Limits as data: which rows there are, what they count, what room held positions leave."""

import numpy as np
import pytest
from scipy import sparse

from app.core.limits import (
    HeldUse,
    LimitRow,
    Limits,
    Owned,
    build_limits,
    symbol_caps,
    worst_excess,
)
from app.core.params import LimitParams

PARAMS = LimitParams()


def owned(*entries: tuple[int, int, float]) -> Owned:
    """Ownership from (strategy, symbol, share) triples."""
    strategy, symbol, share = zip(*entries, strict=True) if entries else ((), (), ())
    return Owned(
        np.array(strategy, dtype=np.int64),
        np.array(symbol, dtype=np.int64),
        np.array(share, dtype=np.float64),
    )


FOUR = ["A", "B", "C", "D"]
ALL_OWNED = owned((0, 0, 1.0), (0, 1, 1.0), (0, 2, 1.0), (1, 3, 0.25), (0, 3, 0.75))


def test_the_cap_is_the_general_one_or_the_symbols_own_if_that_is_smaller() -> None:
    params = LimitParams(symbol_caps={"A": 0.05, "B": 0.5})
    assert symbol_caps(["A", "B", "C"], params).tolist() == [0.05, 0.15, 0.15]
    assert symbol_caps(["A", "B"], PARAMS).tolist() == [0.15, 0.15]


def test_a_strategy_that_cannot_reach_its_limit_has_no_row() -> None:
    limits = build_limits(["A", "B"], ["one"], owned((0, 0, 1.0), (0, 1, 1.0)), HeldUse(), PARAMS)
    assert limits.names == (LimitRow("portfolio", "portfolio"),)
    assert limits.rows.tolist() == [[1.0, 1.0]]
    assert limits.room.tolist() == [0.8]
    assert limits.cap.tolist() == [0.15, 0.15]


def test_a_strategy_that_can_reach_its_limit_counts_its_shares() -> None:
    limits = build_limits(FOUR, ["one", "two"], ALL_OWNED, HeldUse(), PARAMS)
    assert limits.names == (LimitRow("strategy", "one"), LimitRow("portfolio", "portfolio"))
    assert limits.rows.tolist() == [[1.0, 1.0, 1.0, 0.75], [1.0] * 4]
    assert limits.room.tolist() == [0.4, 0.8]
    assert limits.full.tolist() == [0.4, 0.8]


def test_what_a_strategy_holds_elsewhere_makes_its_row_and_takes_its_room() -> None:
    held = HeldUse({"strategy": {"two": 0.39, "stranger": 0.1}, "portfolio": {"portfolio": 0.49}})
    limits = build_limits(FOUR[3:], ["one", "two"], owned((1, 0, 1.0)), held, PARAMS)
    assert limits.names == (LimitRow("strategy", "two"), LimitRow("portfolio", "portfolio"))
    assert limits.rows.tolist() == [[1.0], [1.0]]
    assert limits.room == pytest.approx([0.01, 0.31])
    assert limits.full.tolist() == [0.4, 0.8]


def test_two_tight_strategies_keep_their_own_rows() -> None:
    names = [f"S{place}" for place in range(6)]
    shares = [(0, place, 1.0) for place in range(3)] + [(2, place, 1.0) for place in range(3, 6)]
    params = LimitParams(max_strategy_pct=0.3)
    limits = build_limits(names, ["a", "b", "c"], owned(*shares), HeldUse(), params)
    assert [row.identifier for row in limits.names] == ["a", "c", "portfolio"]
    assert limits.rows[:2].tolist() == [[1.0] * 3 + [0.0] * 3, [0.0] * 3 + [1.0] * 3]


def test_shares_of_one_strategys_several_signals_on_a_symbol_add_up() -> None:
    twice = owned((0, 0, 0.5), (0, 0, 0.25), (1, 0, 0.25))
    params = LimitParams(max_strategy_pct=0.1)
    limits = build_limits(["A"], ["one", "two"], twice, HeldUse(), params)
    assert limits.rows.tolist() == [[0.75], [1.0]]


def test_groups_have_rows_over_their_members_in_order_of_name() -> None:
    params = LimitParams(
        group_caps={"majors": 0.2, "alts": 0.1},
        groups={"majors": ("A", "B", "X"), "alts": ("C",), "unused": ("D",)},
    )
    held = HeldUse({"group": {"alts": 0.04, "majors": 0.3}, "portfolio": {"portfolio": 0.34}})
    limits = build_limits(FOUR, ["one"], owned((0, 0, 1.0)), held, params)
    assert [row.level for row in limits.names] == ["group", "group", "portfolio"]
    assert [row.identifier for row in limits.names] == ["alts", "majors", "portfolio"]
    assert limits.rows.tolist() == [[0, 0, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]]
    assert limits.room == pytest.approx([0.06, 0.0, 0.46])
    assert limits.full.tolist() == [0.1, 0.2, 0.8]


def test_a_group_cap_without_members_binds_nobody() -> None:
    params = LimitParams(group_caps={"ghost": 0.1})
    limits = build_limits(["A"], ["one"], owned((0, 0, 1.0)), HeldUse(), params)
    assert limits.rows.tolist() == [[0.0], [1.0]]
    # nothing held in a group leaves all of it
    assert limits.room.tolist() == [0.1, 0.8]


def test_hundreds_of_symbols_give_the_same_rows_in_sparse_form() -> None:
    names = [f"S{place:03}" for place in range(250)]
    shares = [(place % 3, place, 0.5) for place in range(250)]
    shares += [((place + 1) % 3, place, 0.5) for place in range(250)]
    params = LimitParams(group_caps={"first": 0.2}, groups={"first": tuple(names[:7])})
    limits = build_limits(names, ["a", "b", "c"], owned(*shares), HeldUse(), params)
    assert sparse.issparse(limits.rows)
    rows = limits.rows.toarray()
    assert rows.shape == (5, 250)
    assert (rows[4] == 1.0).all()
    assert rows[3].tolist() == [1.0] * 7 + [0.0] * 243
    for place in range(250):
        expected = [0.5, 0.5, 0.5]
        expected[(place + 2) % 3] = 0.0
        assert rows[:3, place].tolist() == expected


def test_the_worst_excess_is_the_largest_over_caps_and_rows_at_the_multiplier() -> None:
    limits = Limits(
        np.array([0.15, 0.10]),
        np.array([[1.0, 0.0], [1.0, 1.0]]),
        np.array([0.12, 0.2]),
        (LimitRow("strategy", "a"), LimitRow("portfolio", "portfolio")),
        np.array([0.4, 0.8]),
    )
    assert worst_excess(np.array([0.1, 0.05]), limits, 1.0) == pytest.approx(-0.02)
    assert worst_excess(np.array([0.14, 0.05]), limits, 1.0) == pytest.approx(0.02)
    assert worst_excess(np.array([0.05, 0.13]), limits, 1.0) == pytest.approx(0.03)
    assert worst_excess(np.array([0.1, 0.05]), limits, 0.5) == pytest.approx(0.05)
    assert worst_excess(np.empty(0), limits, 1.0) == 0.0
