"""What is told of lots and least notionals: where they, not the aim, decide a target."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from app.core.decision.lots import Plan
from app.core.types import BoolArray, FloatArray, Notice

_NAMED: Final = 20


def lot_notices(
    asked: Plan, made: Plan, left_out: BoolArray, symbols: Sequence[str]
) -> list[Notice]:
    """Tell where a lot or a least notional decides a target, each symbol once a word.

    Parameters
    ----------
    asked : Plan of m symbols
        If there were no limits.
    made : Plan of m symbols
    left_out : bool ndarray of shape (m,)
        Whether lots were left out because they broke a limit.
    symbols : sequence of m names
    """
    grid, target, kept, free = made.grid, made.target, made.kept, ~asked.wish.fixed
    least = grid.least > 0.0
    unmade = kept & free & _differ(np.abs(asked.wish.reach) / grid.unit, made.have)
    too_small = unmade & least & (asked.plain != made.have)
    dust = kept & (target > 0.0) & (target < grid.least) & ~too_small
    moved = ~kept & least & (made.plain != target) & ~left_out
    less = (free & (asked.wish.aim != 0.0) & (asked.aim == 0.0)) | (~kept & (made.wish.reach != 0))
    no_lot = grid.counted & (target == 0.0) & less & ~(too_small | moved)
    exact = ~_differ(np.abs(made.wish.reach) / grid.unit, target)
    rounded = grid.counted & (unmade | (~kept & ~exact))
    rounded &= ~(left_out | too_small | moved | no_lot)
    sentences = (
        ("lot", left_out, "no further lot of {}: all that are to be added would break a limit"),
        ("minimum", too_small, "{} is not traded: the trade is below the minimum notional"),
        ("minimum", dust, "what is held of {} is below the minimum notional and stays as it is"),
        ("minimum", moved, "the minimum notional decides the target of {}"),
        ("lot", no_lot, "the target of {} is less than one lot: zero"),
    )
    told = [
        Notice(what, symbols[row], sentence.format(symbols[row]))
        for what, mask, sentence in sentences
        for row in mask.nonzero()[0].tolist()
    ]
    return told + _of_rounding(rounded, symbols)


def _of_rounding(rounded: BoolArray, symbols: Sequence[str]) -> list[Notice]:
    names = [symbols[row] for row in rounded.nonzero()[0].tolist()]
    if not names:
        return []
    detail = f"rounded to whole lots: {named(names)}"
    return [Notice("lot", names[0] if len(names) == 1 else None, detail)]


def named(names: Sequence[str]) -> str:
    """List names for a sentence, twenty of them at most."""
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + rest


def _differ(one: FloatArray, other: FloatArray) -> BoolArray:
    differ: BoolArray = np.abs(one - other) > 1e-9 * (1.0 + other)
    return differ
