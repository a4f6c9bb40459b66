"""Use of limits in USD, and which bound."""

from app.core.limits import KINDS, Holdings, LimitHit, binding_limits, limit_use
from app.core.params import LimitParams

PARAMS = LimitParams(
    symbol_caps={"B": 0.1},
    group_caps={"pair": 0.2, "ghost": 0.1},
    groups={"pair": ("A", "B", "absent"), "alone": ("C",)},
)
HOLDINGS = Holdings({"B": -0.05, "A": 0.10, "C": 0.05}, {"one": 0.15, "two": 0.05})


def test_every_kind_says_how_full_its_limits_are_at_the_multiplier() -> None:
    rows = limit_use(HOLDINGS, 0.5, 1000.0, PARAMS)
    found = {
        (row["level"], row["identifier"]): (
            round(row["used_usd"], 9),
            round(row["limit_usd"], 9),
            round(row["utilization_pct"], 9),
        )
        for row in rows
    }
    assert found == {
        ("position", "A"): (100.0, 75.0, round(400 / 3, 9)),
        ("position", "B"): (50.0, 50.0, 100.0),
        ("position", "C"): (50.0, 75.0, round(200 / 3, 9)),
        ("strategy", "one"): (150.0, 200.0, 75.0),
        ("strategy", "two"): (50.0, 200.0, 25.0),
        ("group", "ghost"): (0.0, 50.0, 0.0),
        ("group", "pair"): (150.0, 100.0, 150.0),
        ("portfolio", "portfolio"): (200.0, 400.0, 50.0),
    }
    assert [row["identifier"] for row in rows] == [identifier for _, identifier in found]


def test_a_limit_without_room_is_not_in_use() -> None:
    rows = limit_use(Holdings({"A": 0.0, "B": 0.0}), 0.0, 1000.0, PARAMS)
    assert {row["utilization_pct"] for row in rows} == {0.0}
    assert {row["limit_usd"] for row in rows} == {0.0}


def test_a_limit_that_cut_twice_binds_once_as_phase_2_saw_it() -> None:
    solved = [LimitHit("group", "pair", 0.2, 0.3, 0.01)]
    held = [LimitHit("group", "pair", 0.1, 0.4), LimitHit("position", "A", 0.075, 0.1)]
    assert binding_limits(solved, held, 0.5, 1000.0) == [
        {
            "limit": "group", "id": "pair", "limit_usd": 100.0, "requested_usd": 150.0,
            "shadow_price": 0.01,
        },
        {
            "limit": "position", "id": "A", "limit_usd": 75.0, "requested_usd": 100.0,
            "shadow_price": None,
        },
    ]  # fmt: skip


def test_a_request_beyond_the_number_range_is_told_as_the_largest_number() -> None:
    (told,) = binding_limits([LimitHit("position", "A", 0.15, 1e300)], [], 1.0, 1e300)
    assert told["requested_usd"] == 1.7976931348623157e308


def test_levels_and_titles_of_kinds_differ() -> None:
    assert [kind.level for kind in KINDS] == ["position", "strategy", "group", "portfolio"]
    assert len({kind.title for kind in KINDS}) == len(KINDS)
