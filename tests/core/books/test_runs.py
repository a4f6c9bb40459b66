"""What is too far to be believed, and the run of observations that makes it believed."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.books.runs import Run, extend_run, is_price_jump, price_jump_mask

SECOND = 1_000_000_000


@pytest.mark.parametrize("jump_from", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_what_lies_on_a_bound_is_believed(jump_from: float) -> None:
    rest = 1.0 - jump_from
    assert not is_price_jump(100.0 * rest, 100.0, jump_from)
    assert not is_price_jump(100.0 / rest, 100.0, jump_from)
    assert is_price_jump(100.0 * rest * 0.999, 100.0, jump_from)
    assert is_price_jump(100.0 / rest * 1.001, 100.0, jump_from)


def test_ten_times_is_the_default_bound_in_exact_decimals() -> None:
    assert not is_price_jump(10.0, 100.0, 0.9)
    assert not is_price_jump(1000.0, 100.0, 0.9)
    assert is_price_jump(9.99, 100.0, 0.9)
    assert is_price_jump(1000.1, 100.0, 0.9)


@pytest.mark.parametrize("jump_from", [0.0, -1.0, 1.0, 2.0])
def test_a_fraction_outside_the_open_unit_interval_is_off(jump_from: float) -> None:
    assert not is_price_jump(1e-9, 1e9, jump_from)


@given(
    st.lists(st.tuples(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300)), max_size=5),
    st.floats(0.0, 0.999),
)
def test_columns_say_what_single_prices_say(
    pairs: list[tuple[float, float]], jump_from: float
) -> None:
    prices = np.array([price for price, _ in pairs])
    last = np.array([before for _, before in pairs])
    expected = [is_price_jump(price, before, jump_from) for price, before in pairs]
    assert price_jump_mask(prices, last, jump_from).tolist() == expected


def test_a_price_without_a_reference_is_no_jump() -> None:
    assert not price_jump_mask(np.array([1.0]), np.array([np.nan]), 0.9).any()


def run_of(*observations: tuple[float, float]) -> Run:
    """Return the run of (value, second) pairs."""
    run = None
    for value, second in observations:
        run = extend_run(run, value, int(second * SECOND))
    assert run is not None
    return run


@pytest.mark.parametrize(
    ("observations", "confirmed"),
    [
        ([(10.0, 0), (10.0, 30), (10.0, 60)], True),
        ([(10.0, 0), (10.0, 30), (10.0, 59.9)], False),
        ([(10.0, 0), (10.0, 600)], False),
        ([(10.0, 0), (10.0, 1), (10.0, 2), (10.0, 60)], True),
        ([(10.0, 0), (12.0, 30), (11.0, 60)], True),
        ([(10.0, 0), (12.1, 30), (11.0, 60)], False),
        ([(10.0, 0), (10.0, 60), (10.0, 60)], False),
    ],
)
def test_three_that_agree_over_a_minute_confirm(
    observations: list[tuple[float, float]], *, confirmed: bool
) -> None:
    assert run_of(*observations).confirmed is confirmed


def test_one_that_does_not_fit_begins_a_new_run() -> None:
    assert run_of((10.0, 0), (10.0, 30), (20.0, 60)) == Run(
        1, 20.0, 20.0, 20.0, 60 * SECOND, 60 * SECOND
    )


def test_one_that_is_not_newer_changes_nothing() -> None:
    run = run_of((10.0, 10))
    assert extend_run(run, 99.0, 10 * SECOND) is run
    assert extend_run(run, 10.0, 9 * SECOND) is run


def test_a_split_divides_the_values_and_keeps_the_stamps() -> None:
    run = run_of((10.0, 0), (11.0, 30)).scaled(10.0)
    assert (run.least, run.most, run.last) == (1.0, 1.1, 1.1)
    assert (run.count, run.first_ns, run.last_ns) == (2, 0, 30 * SECOND)


def test_a_run_survives_json_exactly() -> None:
    run = run_of((0.1, 0), (0.11, 30))
    assert Run.restore(json.loads(json.dumps(run.export()))) == run
    assert Run.restore(None) is None
