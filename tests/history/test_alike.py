"""Columns that are no instruments of their own."""

import numpy as np
import pytest

from app.core.types import FloatArray
from app.history.alike import find_fields, find_same_closes
from app.history.prices import PricePanel, load_stock_prices
from app.history.quality import measure_quality
from app.history.quality_warnings import quality_warnings
from tests.history.panels import random_walk

WALK = random_walk(420, 6)


def panel_of(*columns: FloatArray) -> PricePanel:
    symbols = tuple(f"C{place}" for place in range(len(columns)))
    return PricePanel(WALK.dates, symbols, np.column_stack(columns))


def day_fields() -> list[FloatArray]:
    """Open, high, low and close of one walk, as a market makes them."""
    rng = np.random.default_rng(5)
    close = WALK.closes[:, 0]
    opened = close * np.exp(rng.normal(0.0, 0.01, len(close)))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0.0, 0.01, len(close))))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0.0, 0.01, len(close))))
    return [opened, high, low, close]


def test_the_closes_of_an_earlier_column_are_found_again() -> None:
    copied = panel_of(WALK.closes[:, 0], WALK.closes[:, 1], WALK.closes[:, 0])
    assert list(find_same_closes(copied)) == [("C0", "C2")]
    assert list(find_same_closes(WALK)) == []
    warning = "C2: its closes are those of C0, so one instrument counts twice"
    assert quality_warnings(measure_quality(copied)) == [warning]


def test_empty_columns_are_no_copies_of_each_other() -> None:
    empty = np.full(420, np.nan)
    assert list(find_same_closes(panel_of(empty, empty))) == []


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 2, 0)])
def test_fields_are_found_by_their_numbers_in_any_order(order: tuple[int, ...]) -> None:
    fields = day_fields()
    panel = panel_of(WALK.closes[:, 1], *(fields[place] for place in order), WALK.closes[:, 2])
    assert find_fields(panel) == ("C1", "C2", "C3", "C4")
    (warning,) = quality_warnings(measure_quality(panel))
    assert warning.startswith("C1, C2, C3, C4: they behave as open, high, low and close of one")


def test_instruments_are_no_fields() -> None:
    assert find_fields(WALK) == ()
    assert find_fields(load_stock_prices()) == ()


def test_prices_far_apart_are_no_fields_though_their_order_never_changes() -> None:
    apart = [WALK.closes[:, 0] * factor for factor in (1.0, 2.0, 0.5, 1.1)]
    assert find_fields(panel_of(*apart)) == ()


def test_four_equal_columns_are_copies_and_no_fields() -> None:
    assert find_fields(panel_of(*[WALK.closes[:, 0]] * 4)) == ()


def test_a_traded_volume_under_a_symbols_name_is_warned_of() -> None:
    volume = 1e6 * np.exp(np.random.default_rng(2).normal(0.0, 0.5, 420))
    (warning, *others) = [
        line
        for line in quality_warnings(measure_quality(panel_of(WALK.closes[:, 0], volume)))
        if "usual day" in line
    ]
    assert warning.startswith("C1: the close moves by 7")
    assert others == []
