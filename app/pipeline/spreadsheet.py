"""Cells of CSV files that a spreadsheet opens: text is never a formula, null is an empty cell."""

from typing import Final

# a spreadsheet evaluates a cell that begins with one of these
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def text_cell(text: str) -> str:
    """Return a text with an apostrophe in front where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def number_cell(value: float | None) -> str:
    """Return a number with all its digits, or an empty cell for None."""
    return "" if value is None else repr(value)
