"""Cells of CSV files: formulas and nulls."""

import pytest

from app.pipeline.spreadsheet import number_cell, text_cell


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_begins_like_a_formula_gets_an_apostrophe(start: str) -> None:
    assert text_cell(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize("text", ["", "BTC-USD", "'=1", "a=b", " =1"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert text_cell(text) == text


def test_a_number_keeps_its_sign_and_digits_and_null_is_empty() -> None:
    assert number_cell(-0.1) == "-0.1"
    assert number_cell(1 / 3) == "0.3333333333333333"
    assert number_cell(None) == ""
