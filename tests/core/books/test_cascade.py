"""The cascade's recommendation in force: the design's golden run, a reference, survival."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.books.cascade import CascadeBook
from app.core.params import CascadeParams
from app.core.stages.cascade import RECOMMENDATIONS

SECOND = 10**9
MONITOR, HALF, QUARTER, EXIT = RECOMMENDATIONS
Told = Sequence[tuple[float, str]]


def book_of(**changes: Any) -> CascadeBook:
    return CascadeBook(CascadeParams(**changes), 60.0)


def run(told: Told, book: CascadeBook | None = None) -> list[str]:
    """Return what is in force after each batch, at these seconds."""
    book = book or book_of()
    return [book.observe(said, round(at * SECOND)) for at, said in told]


def spelt_out(told: Sequence[tuple[int, int]]) -> list[int]:
    """Return ranks in force by the words of the design, over the whole history."""
    seen: list[tuple[int, bool]] = []
    result: list[int] = []
    counted_at, in_force = 0, 0
    for place, (at, rank) in enumerate(told):
        counts = place == 0 or rank > in_force or at - counted_at >= 60
        counted_at = at if counts else counted_at
        seen.append((rank, counts))
        if place == 0 or rank >= in_force:
            in_force = rank
        elif counts:
            last = max(i for i, (was, _) in enumerate(seen) if was >= in_force)
            since = seen[last + 1 :]
            if sum(did for _, did in since) >= 3:
                in_force = max(was for was, _ in since)
        result.append(in_force)
    return result


def test_it_is_eased_to_the_tightest_since_it_was_last_as_tight_and_waits_anew() -> None:
    # design, section 3, reading 11
    told = [(0, EXIT), (30, MONITOR), (60, HALF), (120, MONITOR), (180, MONITOR), (240, MONITOR)]
    assert run(told) == [EXIT, EXIT, EXIT, EXIT, HALF, MONITOR]


def test_before_the_first_batch_nothing_is_in_force() -> None:
    assert book_of().in_force == MONITOR


@pytest.mark.parametrize("first", RECOMMENDATIONS)
def test_the_first_batch_is_in_force_at_once(first: str) -> None:
    assert run([(0, first)]) == [first]


def test_tightening_is_at_once_within_a_period_too() -> None:
    assert run([(0, MONITOR), (0, HALF), (0.5, EXIT)]) == [MONITOR, HALF, EXIT]


def test_a_batch_that_tightens_counts_and_the_periods_are_told_from_it() -> None:
    told = [(0, MONITOR), (50, EXIT), (60, MONITOR), (110, MONITOR), (170, MONITOR), (230, MONITOR)]
    assert run(told) == [MONITOR, EXIT, EXIT, EXIT, EXIT, MONITOR]


def test_a_batch_as_tight_begins_the_wait_anew_though_it_does_not_count() -> None:
    told = [
        (0, EXIT),
        (60, MONITOR),
        (120, MONITOR),
        (130, EXIT),
        *((180 + 60 * n, MONITOR) for n in range(3)),
    ]
    assert run(told) == [EXIT] * 6 + [MONITOR]


def test_a_looser_batch_that_does_not_count_still_says_how_far_it_is_eased() -> None:
    told = [
        (0, EXIT),
        (30, QUARTER),
        (60, MONITOR),
        (120, MONITOR),
        (180, MONITOR),
        (200, MONITOR),
        (240, MONITOR),
    ]
    assert run(told) == [EXIT] * 4 + [QUARTER, QUARTER, MONITOR]


def test_a_score_that_flaps_beside_a_threshold_stays_tight() -> None:
    told = [(30.0 * step, EXIT if step % 2 == 0 else QUARTER) for step in range(100)]
    assert set(run(told)) == {EXIT}


def test_an_older_batch_tightens_and_never_eases() -> None:
    assert run([(600, MONITOR), (0, EXIT), (60, MONITOR), (120, MONITOR), (180, MONITOR)]) == (
        [MONITOR] + [EXIT] * 4
    )


@pytest.mark.parametrize(("gap", "in_force"), [(3_599, EXIT), (3_600, MONITOR)])
def test_after_an_hour_without_a_batch_the_new_one_is_in_force_at_once(
    gap: int, in_force: str
) -> None:
    assert run([(0, EXIT), (gap, MONITOR)]) == [EXIT, in_force]


def test_a_batch_that_does_not_count_is_a_batch_all_the_same() -> None:
    assert run([(0, EXIT), (50, EXIT), (3_649, MONITOR)]) == [EXIT] * 3


def test_what_was_forgotten_has_no_part_in_a_later_wait() -> None:
    told = [
        (0, EXIT),
        (60, QUARTER),
        (3_700, HALF),
        (3_760, MONITOR),
        (3_820, MONITOR),
        (3_880, MONITOR),
    ]
    assert run(told) == [EXIT, EXIT, HALF, HALF, HALF, MONITOR]


def test_with_zero_nothing_before_it_has_a_part() -> None:
    told = [(0, EXIT), (0, MONITOR), (1, QUARTER), (2, HALF)]
    assert run(told, book_of(forget_sec=0.0)) == [EXIT, MONITOR, QUARTER, HALF]


def test_with_one_confirmation_a_looser_period_is_enough() -> None:
    told = [(0, EXIT), (59, MONITOR), (60, HALF), (120, MONITOR)]
    assert run(told, book_of(confirmations=1)) == [EXIT, EXIT, HALF, MONITOR]


@given(
    steps=st.lists(
        st.tuples(st.sampled_from((0, 1, 30, 59, 60, 61, 200)), st.integers(0, 3)), max_size=40
    )
)
def test_it_is_what_the_design_says_over_the_whole_history(steps: list[tuple[int, int]]) -> None:
    at, told = 0, []
    for gap, rank in steps:
        at += gap
        told.append((at, rank))
    named = [(at, RECOMMENDATIONS[rank]) for at, rank in told]
    assert [RECOMMENDATIONS.index(name) for name in run(named)] == spelt_out(told)


@pytest.mark.parametrize("cut", range(7))
def test_export_and_restore_are_exact_at_every_point(cut: int) -> None:
    told = [
        (0, EXIT),
        (30, QUARTER),
        (60, HALF),
        (120, MONITOR),
        (180, MONITOR),
        (240, MONITOR),
        (300, MONITOR),
    ]
    whole, again = book_of(), book_of()
    for step, (at, said) in enumerate(told):
        if step == cut:
            again.restore(json.loads(json.dumps(whole.export())))
            assert again.export() == whole.export()
        seen = whole.observe(said, at * SECOND)
        if step >= cut:
            assert again.observe(said, at * SECOND) == seen
    assert again.export() == whole.export()
