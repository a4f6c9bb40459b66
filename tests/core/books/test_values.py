"""Portfolio values: peak, last believed value, and the UTC day."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.books.values import ValueBook, ValueReport
from app.core.params import BrakeParams

DAY = 86_400 * 1_000_000_000
NOON = 20_000 * DAY + DAY // 2
MINUTE = 60 * 1_000_000_000
OFF = BrakeParams(value_jump_from=0.0)
VALUES = st.floats(1e-3, 1e12)


def observed(
    *observations: tuple[float, int], collapse_below: float = 0.0, value_jump_from: float = 0.0
) -> ValueBook:
    book = ValueBook()
    brakes = BrakeParams(collapse_below=collapse_below, value_jump_from=value_jump_from)
    for value, at in observations:
        book.observe(value, at, at, brakes)
    return book


def test_a_day_begins_with_the_last_value_of_the_day_before() -> None:
    book = observed((100.0, NOON), (110.0, NOON + 1), (99.0, NOON + DAY))
    assert book.start == 110.0
    assert book.loss == pytest.approx(0.1)


def test_the_first_day_begins_with_its_first_value() -> None:
    book = observed((100.0, NOON), (95.0, NOON + 1), (98.0, NOON + 2))
    assert book.loss == pytest.approx(0.05)


def test_a_loss_stays_for_the_day_and_ends_with_it() -> None:
    book = observed((100.0, NOON), (80.0, NOON + 1), (120.0, NOON + 2))
    assert book.is_loss(NOON + 3, 0.2)
    assert not book.is_loss(NOON + 3, 0.21)
    assert not book.is_loss(NOON + DAY, 0.2)
    book.observe(119.0, NOON + DAY, NOON + DAY, OFF)
    assert book.loss == pytest.approx(1.0 / 120.0)
    assert not book.is_loss(NOON + DAY, 0.2)


def test_a_clock_that_goes_back_does_not_begin_another_day() -> None:
    book = observed((100.0, NOON), (90.0, NOON - DAY), (95.0, NOON))
    assert (book.day, book.start, book.low) == (NOON // DAY, 100.0, 90.0)


def test_nothing_was_lost_before_anything_was_observed() -> None:
    assert ValueBook().loss == 0.0
    assert not ValueBook().is_loss(0, 0.1)
    assert not ValueBook().is_collapse(1e-9, 0.9)


def test_a_collapse_is_not_believed_however_often_it_is_said() -> None:
    book = observed((100.0, NOON), *[(49.0, NOON + DAY)] * 5, collapse_below=0.5)
    assert (book.last, book.low, book.peak, book.day) == (100.0, 100.0, 100.0, NOON // DAY)
    assert book.is_collapse(49.0, 0.5)
    assert not book.is_collapse(50.0, 0.5)
    book.observe(51.0, NOON, NOON, replace(OFF, collapse_below=0.5))
    assert book.last == 51.0


@given(st.lists(st.tuples(VALUES, st.integers(0, 5 * DAY)), max_size=20))
def test_the_day_lies_between_its_low_and_the_peak(observations: list[tuple[float, int]]) -> None:
    book = observed(*observations)
    if observations:
        assert book.peak == max(value for value, _ in observations)
        assert book.last == observations[-1][0]
        assert 0.0 < book.low <= book.last <= book.peak
        assert book.loss < 1.0 or book.low < 1e-9 * book.start
        assert not book.is_loss(book.day * DAY, 0.0)


@given(st.lists(st.tuples(VALUES, st.integers(0, 5 * DAY)), max_size=5))
def test_it_survives_json_exactly(observations: list[tuple[float, int]]) -> None:
    book = observed(*observations)
    assert ValueBook.restore(json.loads(json.dumps(book.export()))) == book


def test_c16_a_value_a_hundred_times_too_high_is_not_believed_and_teaches_nothing() -> None:
    book, brakes = ValueBook(), BrakeParams(value_jump_from=0.5)
    assert book.observe(1e5, NOON, NOON, brakes) == ValueReport(1e5, True, False)
    assert book.observe(1e7, NOON + 1, NOON + 1, brakes) == ValueReport(1e5, False, False)
    assert (book.peak, book.last, book.low, book.start) == (1e5, 1e5, 1e5, 1e5)
    assert book.observe(1e5, NOON + 2, NOON + 2, brakes) == ValueReport(1e5, True, False)
    assert book.run is None


def test_c17_a_value_a_hundred_times_too_low_is_not_believed_either() -> None:
    book, brakes = ValueBook(), BrakeParams(value_jump_from=0.5)
    book.observe(1e5, NOON, NOON, brakes)
    assert book.observe(1e3, NOON + DAY, NOON + DAY, brakes).used == 1e5
    assert (book.last, book.low, book.day) == (1e5, 1e5, NOON // DAY)
    assert not book.is_loss(NOON, 0.1)


@pytest.mark.parametrize(
    ("value", "believed"), [(50.0, True), (49.9, False), (200.0, True), (200.1, False)]
)
def test_what_lies_on_the_bound_is_believed(value: float, *, believed: bool) -> None:
    book, brakes = ValueBook(), BrakeParams(value_jump_from=0.5)
    book.observe(100.0, NOON, NOON, brakes)
    assert book.observe(value, NOON, NOON + 1, brakes).believed is believed


def test_three_values_that_agree_over_a_minute_are_believed() -> None:
    book, brakes = ValueBook(), BrakeParams(value_jump_from=0.5)
    book.observe(1e5, NOON, NOON, brakes)
    at = [NOON + MINUTE, NOON + MINUTE + 1, NOON + 2 * MINUTE]
    found = [book.observe(1e6, when, when, brakes) for when in at]
    assert [report.believed for report in found] == [False, False, True]
    assert found[-1] == ValueReport(1e6, True, True)
    assert (book.last, book.peak, book.run) == (1e6, 1e6, None)


def test_values_without_newer_stamps_confirm_nothing() -> None:
    book, brakes = ValueBook(), BrakeParams(value_jump_from=0.5)
    book.observe(1e5, NOON, NOON, brakes)
    for step in range(5):
        assert not book.observe(1e6, NOON + step * MINUTE, NOON, brakes).believed
    assert book.last == 1e5


def test_the_first_value_is_believed_whatever_it_is() -> None:
    assert ValueBook().observe(1e-3, NOON, NOON, BrakeParams(value_jump_from=0.9)).believed


def test_a_clock_far_ahead_does_not_silence_the_loss_brake() -> None:
    book = observed((100.0, NOON), (85.0, NOON + 1), (84.0, NOON + 40 * DAY), (86.0, NOON + 2))
    assert book.is_loss(NOON + 3, 0.1)
    assert (book.peak, book.day) == (100.0, NOON // DAY + 40)


def test_a_loss_after_a_clock_was_far_ahead_counts_to_its_own_day() -> None:
    book = observed((100.0, NOON), (95.0, NOON + 40 * DAY), (88.0, NOON + 2))
    assert book.is_loss(NOON + 3, 0.11)
    assert not book.is_loss(NOON + 3, 0.13)


def test_a_run_survives_json_and_goes_on() -> None:
    brakes = BrakeParams(value_jump_from=0.5)
    book = observed((1e5, NOON), (1e6, NOON + 1), (1e6, NOON + 2), value_jump_from=0.5)
    again = ValueBook.restore(json.loads(json.dumps(book.export())))
    at = NOON + MINUTE + 1
    assert again.observe(1e6, at, at, brakes) == book.observe(1e6, at, at, brakes)
    assert again == book
    assert again.last == 1e6
