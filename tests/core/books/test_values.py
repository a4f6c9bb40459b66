"""Portfolio values: peak, last believed value, and the UTC day."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.books.values import ValueBook

DAY = 86_400 * 1_000_000_000
NOON = 20_000 * DAY + DAY // 2
VALUES = st.floats(1e-3, 1e12)


def heard(*observations: tuple[float, int], collapse_below: float = 0.0) -> ValueBook:
    book = ValueBook()
    for value, at in observations:
        book.observe(value, at, collapse_below)
    return book


def test_a_day_begins_with_the_last_value_of_the_day_before() -> None:
    book = heard((100.0, NOON), (110.0, NOON + 1), (99.0, NOON + DAY))
    assert book.start == 110.0
    assert book.loss == pytest.approx(0.1)


def test_the_first_day_begins_with_its_first_value() -> None:
    book = heard((100.0, NOON), (95.0, NOON + 1), (98.0, NOON + 2))
    assert book.loss == pytest.approx(0.05)


def test_a_loss_stays_for_the_day_and_ends_with_it() -> None:
    book = heard((100.0, NOON), (80.0, NOON + 1), (120.0, NOON + 2))
    assert book.is_loss(NOON + 3, 0.2)
    assert not book.is_loss(NOON + 3, 0.21)
    assert not book.is_loss(NOON + DAY, 0.2)
    book.observe(119.0, NOON + DAY, 0.0)
    assert book.loss == pytest.approx(1.0 / 120.0)
    assert not book.is_loss(NOON + DAY, 0.2)


def test_a_clock_that_goes_back_does_not_begin_another_day() -> None:
    book = heard((100.0, NOON), (90.0, NOON - DAY), (95.0, NOON))
    assert (book.day, book.start, book.low) == (NOON // DAY, 100.0, 90.0)


def test_nothing_was_lost_before_anything_was_heard() -> None:
    assert ValueBook().loss == 0.0
    assert not ValueBook().is_loss(0, 0.1)
    assert not ValueBook().is_collapse(1e-9, 0.9)


def test_a_collapse_is_not_believed_however_often_it_is_said() -> None:
    book = heard((100.0, NOON), *[(49.0, NOON + DAY)] * 5, collapse_below=0.5)
    assert (book.last, book.low, book.peak, book.day) == (100.0, 100.0, 100.0, NOON // DAY)
    assert book.is_collapse(49.0, 0.5)
    assert not book.is_collapse(50.0, 0.5)
    book.observe(51.0, NOON, 0.5)
    assert book.last == 51.0


@given(st.lists(st.tuples(VALUES, st.integers(0, 5 * DAY)), max_size=20))
def test_the_day_lies_between_its_low_and_the_peak(observations: list[tuple[float, int]]) -> None:
    book = heard(*observations)
    if observations:
        assert book.peak == max(value for value, _ in observations)
        assert book.last == observations[-1][0]
        assert 0.0 < book.low <= book.last <= book.peak
        assert book.loss < 1.0 or book.low < 1e-9 * book.start
        assert not book.is_loss(book.day * DAY, 0.0)


@given(st.lists(st.tuples(VALUES, st.integers(0, 5 * DAY)), max_size=5))
def test_it_survives_json_exactly(observations: list[tuple[float, int]]) -> None:
    book = heard(*observations)
    assert ValueBook.restore(json.loads(json.dumps(book.export()))) == book
