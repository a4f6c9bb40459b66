"""Somebody lies beside an honest caller; ``python -m tests.tools.chaos.liar`` is the long run."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from tests.tools.chaos.liar import run_alone, run_case
from tests.tools.chaos.liar_cases import (
    AS_SHIPPED,
    HUNDRED,
    MOST_LEFT,
    TEN,
    TEN_AT_50,
    TEN_AT_80,
    UNBRAKED,
    Case,
    Heard,
    judge,
    merged,
)
from tests.tools.chaos.liar_compare import MOST_DIFFERENCE, Difference
from tests.tools.chaos.liar_lies import PROMISED
from tests.tools.chaos.liar_run import Plan, Played
from tests.tools.chaos.liar_stream import Step, draw_steps

PLAN = Plan(before=24, during=40, after=16)
SEED = 5


@pytest.fixture(scope="module")
def steps() -> Sequence[Step]:
    return draw_steps(SEED, PLAN.steps)


@pytest.fixture(scope="module")
def honest(steps: Sequence[Step]) -> Played:
    return asyncio.run(run_alone(steps, PLAN))


def heard_beside(steps: Sequence[Step], honest: Played, case: Case) -> Heard:
    return asyncio.run(run_case(steps, PLAN, case, honest, SEED))


def of_honest(fates: Counter[tuple[str, str]], fate: str) -> int:
    return sum(n for (lie, what), n in fates.items() if "honest" in lie and what == fate)


@pytest.mark.parametrize("case", [HUNDRED, TEN_AT_80, TEN_AT_50], ids=lambda case: case.name)
def test_a_liar_moves_no_honest_size_and_leaves_nothing_behind(
    steps: Sequence[Step], honest: Played, case: Case
) -> None:
    found = heard_beside(steps, honest, case)
    assert found.fates.total() == 120
    assert {lie for lie, _ in found.fates} == set(PROMISED)
    assert of_honest(found.fates, "disbelieved") > 20
    assert of_honest(found.fates, "learnt") == 0
    assert found.difference.during <= MOST_DIFFERENCE
    assert found.difference.after <= MOST_LEFT
    assert found.difference.beliefs <= MOST_LEFT


@pytest.mark.parametrize("case", [UNBRAKED, TEN], ids=lambda case: case.name)
def test_the_same_lies_are_noticed_where_the_brakes_believe_them(
    steps: Sequence[Step], honest: Played, case: Case
) -> None:
    found = heard_beside(steps, honest, case)
    assert of_honest(found.fates, "learnt") > 20
    assert found.difference.during > MOST_DIFFERENCE
    assert found.difference.beliefs > MOST_LEFT
    assert found.difference.prices <= MOST_LEFT


def test_the_honest_run_is_worth_comparing(honest: Played) -> None:
    sizes = [size for row in honest.sizes for size in row.values()]
    below_the_limit = [size for size in sizes if 500.0 < size < 14_000.0]
    assert len(below_the_limit) > len(sizes) / 2
    assert len({round(size) for size in sizes}) > 100


def difference(**changes: float) -> Difference:
    none = dict.fromkeys(Difference.__dataclass_fields__, 0.0)
    return Difference(**(none | changes))


def test_the_long_run_names_every_broken_promise() -> None:
    good = {
        HUNDRED: Heard(difference(during=0.05), Counter()),
        TEN: Heard(difference(during=9.0, beliefs=9.0), Counter()),
        UNBRAKED: Heard(difference(during=0.051), Counter()),
    }
    assert all(verdict.kept for verdict in judge(good))
    for case, broken in (
        (HUNDRED, {"during": 0.051}),
        (HUNDRED, {"after": 1e-6}),
        (HUNDRED, {"beliefs": 1e-6}),
        (TEN, {"prices": 1e-6}),
        (UNBRAKED, {"during": 0.0}),
    ):
        verdicts = judge(good | {case: Heard(difference(**broken), Counter())})
        assert [verdict.kept for verdict in verdicts].count(False) == 1


def test_of_several_seeds_the_worst_counts() -> None:
    one = Heard(difference(during=0.2, after=0.1), Counter({("stamp", "refused"): 2}))
    other = Heard(difference(during=0.1, after=0.3), Counter({("stamp", "refused"): 3}))
    both = merged(one, other)
    assert both.difference == difference(during=0.2, after=0.3)
    assert both.fates == {("stamp", "refused"): 5}


def test_the_promise_is_of_the_brakes_as_they_are_shipped() -> None:
    assert HUNDRED.brake == AS_SHIPPED == 0.9
