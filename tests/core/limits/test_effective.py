"""Limits that hold for one batch: a cap in money, caps of new strategies, the strictest of two."""

from dataclasses import replace

from app.core.books.records import RecordBook
from app.core.limits import effective_limits, strictest_limits
from app.core.params import ConformalParams, LimitParams, RecordParams, StrategyParams
from tests.core.lessons import lesson

ANY = StrategyParams()


def records(**outcomes: int) -> RecordBook:
    book = RecordBook(ConformalParams(), RecordParams(), 100)
    for name, count in outcomes.items():
        for _ in range(count):
            book.observe(lesson(name, 0.01, 0.01, 0.05))
    return book


def capped(limits: LimitParams, strategies: StrategyParams = ANY) -> dict[str, float]:
    names = ["new", "old"]
    found = effective_limits(limits, strategies, 1e5, names, records(new=19, old=20))
    return dict(found.strategy_caps)


def test_by_default_the_limits_are_those_of_the_settings() -> None:
    limits = LimitParams()
    assert effective_limits(limits, ANY, 1e5, ["new"], records()) is limits


def test_no_portfolio_value_lifts_the_cap_in_money() -> None:
    limits = LimitParams(max_gross_usd=50_000.0)
    for value, gross in ((1e5, 0.5), (1e9, 5e-5), (1e4, 0.8)):
        assert effective_limits(limits, ANY, value, [], records()).max_portfolio_pct == gross


def test_a_strategy_with_fewer_than_20_outcomes_is_new() -> None:
    assert capped(LimitParams(new_strategy_pct=0.05)) == {"new": 0.05}


def test_a_strategy_that_is_not_listed_is_new_whatever_its_record() -> None:
    limits = LimitParams(new_strategy_pct=0.05)
    assert capped(limits, StrategyParams(("other",))) == {"new": 0.05, "old": 0.05}
    assert capped(limits, StrategyParams(("old", "new"))) == {"new": 0.05}


def test_a_new_strategys_own_smaller_cap_stays() -> None:
    limits = LimitParams(new_strategy_pct=0.05, strategy_caps={"new": 0.01, "old": 0.3})
    assert capped(limits) == {"new": 0.01, "old": 0.3}


def test_the_strictest_of_equal_limits_is_the_first_itself() -> None:
    limits = LimitParams()
    assert strictest_limits(limits, LimitParams()) is limits
    assert strictest_limits(limits, replace(limits, max_position_pct=0.5)) is limits


def test_the_strictest_limits_take_each_smaller_number_and_every_cap() -> None:
    one = LimitParams(
        max_position_pct=0.1,
        max_strategy_pct=0.4,
        allow_short=True,
        symbol_caps={"A": 0.05},
        group_caps={"g": 0.2},
        groups={"g": ("A",)},
        max_gross_usd=0.0,
    )
    other = LimitParams(
        max_position_pct=0.15,
        max_strategy_pct=0.3,
        symbol_caps={"A": 0.1, "B": 0.02},
        group_caps={"g": 0.3},
        groups={"g": ("B",)},
        strategy_caps={"s": 0.1},
        max_gross_usd=1e4,
        new_strategy_pct=0.05,
    )
    assert strictest_limits(one, other) == LimitParams(
        max_position_pct=0.1,
        max_strategy_pct=0.3,
        symbol_caps={"A": 0.05, "B": 0.02},
        group_caps={"g": 0.2},
        groups={"g": ("A", "B")},
        strategy_caps={"s": 0.1},
        max_gross_usd=1e4,
        new_strategy_pct=0.05,
    )
