"""A sentence for each thing in a price panel that its figures should not be read without."""

from collections.abc import Iterator, Sequence
from typing import Final

from app.history.quality import Jump, PanelQuality, SymbolQuality

# 20 US stocks in 33 years had at most 5 equal closes in a row, but for a penny stock
FLAT_FROM: Final = 10
# coins and volatility indices move by a tenth on a usual day, traded volume by a third
UNUSUAL_MOVE: Final = 0.2
_SHOWN: Final = 3


def quality_warnings(quality: PanelQuality) -> list[str]:
    """Return the sentences, plain ASCII but for the symbols, what distorts figures most first."""
    found = [line for kind in _KINDS for each in quality.symbols for line in kind(each, quality)]
    return [*_of_the_panel(quality), *found, *_gaps(quality)]


def is_clean(each: SymbolQuality, quality: PanelQuality) -> bool:
    """Whether there is no sentence for this column."""
    return not any(line for kind in _KINDS for line in kind(each, quality))


def _splits(each: SymbolQuality, _: PanelQuality) -> Iterator[str]:
    if each.splits:
        yield (
            f"{each.symbol}: the close jumps and stays, {_listed(each.splits)}: a split not "
            "adjusted for, or a real move"
        )


def _bad_ticks(each: SymbolQuality, _: PanelQuality) -> Iterator[str]:
    if each.bad_ticks:
        yield (
            f"{each.symbol}: the close jumps and comes back, {_listed(each.bad_ticks)}: a bad "
            "tick, or a real move"
        )


def _empty(each: SymbolQuality, _: PanelQuality) -> Iterator[str]:
    if each.first is None:
        yield f"{each.symbol}: the column is empty and was left out"


def _dead(each: SymbolQuality, quality: PanelQuality) -> Iterator[str]:
    if each.missing_after:
        yield (
            f"{each.symbol}: no close on the last {_days(each.missing_after)} of "
            f"{quality.n_days}, the last is of {each.last}: what is held is valued at it to the end"
        )


def _flat(each: SymbolQuality, _: PanelQuality) -> Iterator[str]:
    flat = each.flat
    if flat is not None and flat.closes >= FLAT_FROM:
        end = ", its last day" if flat.last == each.last else ""
        yield (
            f"{each.symbol}: the close did not change {flat.closes} times in a row, {flat.first} "
            f"to {flat.last}{end}: stale prices look like no risk"
        )


def _wild(each: SymbolQuality, _: PanelQuality) -> Iterator[str]:
    if each.usual_move is not None and each.usual_move >= UNUSUAL_MOVE:
        yield (
            f"{each.symbol}: the close moves by {each.usual_move:.0%} on a usual day: it may be a "
            "volume or another number that is no price"
        )


def _holes(each: SymbolQuality, _: PanelQuality) -> Iterator[str]:
    if each.holes:
        yield (
            f"{each.symbol}: no close on {_days(each.missing_between)} between its first and its "
            f"last, in {each.holes} hole{'s' * (each.holes > 1)}, the longest of "
            f"{_days(each.longest_hole)}"
        )


def _late(each: SymbolQuality, quality: PanelQuality) -> Iterator[str]:
    if each.first is not None and each.missing_before:
        yield (
            f"{each.symbol}: no close on the first {_days(each.missing_before)} of "
            f"{quality.n_days}, the first is of {each.first}"
        )


_KINDS: Final = (_splits, _bad_ticks, _empty, _dead, _wild, _flat, _holes, _late)


def _of_the_panel(quality: PanelQuality) -> Iterator[str]:
    if quality.like_fields:
        yield (
            f"{', '.join(quality.like_fields)}: they behave as open, high, low and close of one "
            "instrument: --column reads one of them alone"
        )
    for earlier, symbol in quality.same_closes:
        yield f"{symbol}: its closes are those of {earlier}, so one instrument counts twice"


def _gaps(quality: PanelQuality) -> Iterator[str]:
    if quality.gaps:
        longest = max(quality.gaps, key=lambda gap: gap.days)
        more = len(quality.gaps) - 1
        others = f", and {more} more gap{'s' * (more > 1)}" if more else ""
        yield (
            f"no row between {longest.after} and {longest.before}, {longest.days} days{others}: "
            "the figures count the move over a gap as one day's"
        )


def _days(count: int) -> str:
    return f"{count} day{'s' * (count > 1)}"


def _listed(jumps: Sequence[Jump]) -> str:
    shown = ", ".join(f"x{jump.ratio:.3g} on {jump.day}" for jump in jumps[:_SHOWN])
    more = len(jumps) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
