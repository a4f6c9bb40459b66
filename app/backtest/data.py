"""The data part of what a backtest found: what the price file has besides prices."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

from app.core.types import JsonObject
from app.history.quality import PanelQuality, SymbolQuality
from app.history.quality_warnings import is_clean, quality_warnings

HEADS: Final = (
    "first",
    "last",
    "missing",
    "holes",
    "jumps",
    "bad ticks",
    "longest flat",
    "dead days",
)
# lines of a terminal; all of them are in the JSON and on the page
_SHOWN: Final = 20


def data_json(quality: PanelQuality) -> JsonObject:
    """State the quality of every column by its symbol, and the warnings."""
    return {
        "n_days": quality.n_days,
        "gaps": [asdict(gap) for gap in quality.gaps],
        "same_closes": [list(pair) for pair in quality.same_closes],
        "like_fields": list(quality.like_fields),
        "left_out": list(quality.empty),
        "symbols": {
            each.symbol: {key: value for key, value in asdict(each).items() if key != "symbol"}
            for each in quality.symbols
        },
        "warnings": quality_warnings(quality),
    }


def warning_lines(quality: PanelQuality) -> Iterator[str]:
    """Yield a line a warning for a terminal, at most 20, and one that counts the rest."""
    found = quality_warnings(quality)
    yield from (f"data warning: {line}" for line in found[:_SHOWN])
    if len(found) > _SHOWN:
        yield f"data warning: {len(found) - _SHOWN} more are in the JSON file"


def data_lines(quality: PanelQuality) -> Iterator[str]:
    """Yield the table for a terminal, at most 20 symbols, those with something to see first."""
    ordered = sorted(quality.symbols, key=lambda each: is_clean(each, quality))
    width = max(8, *(len(each.symbol) for each in ordered[:_SHOWN])) + 1
    yield f"{'data':<{width}}" + "".join(f"{head:>13}" for head in HEADS)
    for each in ordered[:_SHOWN]:
        cells = "".join(f"{cell:>13}" for cell in cells_of(each))
        yield f"{each.symbol:<{width}}{cells}"
    if len(ordered) > _SHOWN:
        yield f"{len(ordered) - _SHOWN} more symbols are in the JSON file"


def cells_of(each: SymbolQuality) -> list[str]:
    """Write one column's row of the table, a cell a head."""
    return [
        each.first or "n/a",
        each.last or "n/a",
        f"{each.missing_share:.1%}",
        str(each.holes),
        str(len(each.splits)),
        str(len(each.bad_ticks)),
        str(each.flat.closes if each.flat is not None else 0),
        str(each.missing_after),
    ]
