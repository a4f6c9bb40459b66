"""What each kind of limit counts, and how a sentence names it."""

from app.core.limits import KINDS, POSITION, Holdings, Kind
from app.core.limits.kinds.group import GROUP
from app.core.limits.kinds.portfolio import PORTFOLIO
from app.core.limits.kinds.strategy import STRATEGY
from app.core.params import LimitParams

PARAMS = LimitParams(
    group_caps={"majors": 0.2, "all": 0.3}, groups={"majors": ("A", "A"), "all": ("A", "B")}
)


def counts(kind: Kind, identifier: str, symbol: str) -> bool:
    """Whether the limit counts a symbol that the strategy `one` contributes to."""
    return kind.counts(identifier, symbol, ["one"], PARAMS)


def test_a_limit_counts_what_it_is_for() -> None:
    assert counts(POSITION, "A", "A")
    assert not counts(POSITION, "A", "B")
    assert counts(STRATEGY, "one", "A")
    assert not counts(STRATEGY, "two", "A")
    assert counts(GROUP, "majors", "A")
    assert not counts(GROUP, "majors", "B")
    assert not counts(GROUP, "unknown", "A")
    assert counts(PORTFOLIO, "portfolio", "A")


def test_a_sentence_names_whose_limit_it_is_where_there_are_several() -> None:
    assert [kind.words("x") for kind in KINDS] == [
        "position limit of x", "strategy limit of x", "group limit of x", "portfolio limit"
    ]  # fmt: skip


def test_a_kind_with_one_limit_names_it_by_its_level() -> None:
    holdings = Holdings({"A": 0.1}, {"one": 0.1})
    for kind in KINDS:
        if kind.sole:
            assert [use.identifier for use in kind.use(holdings, PARAMS)] == [kind.level]


def test_a_symbol_that_a_group_names_twice_counts_once() -> None:
    uses = GROUP.use(Holdings({"A": -0.1, "B": 0.05}), PARAMS)
    assert uses == [("all", 0.15000000000000002, 0.3), ("majors", 0.1, 0.2)]


def test_the_parts_of_strategies_are_unknown_where_nobody_gave_them() -> None:
    assert STRATEGY.use(Holdings({"A": 0.1}), PARAMS) == []
