"""Symbols that differ only by case or by characters that look alike."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from unicodedata import normalize

# Cyrillic and Greek letters that look like Latin ones, and zero, after folding the case
_LATIN: Final = str.maketrans(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0458\u0455"
    "\u03b1\u03b2\u03b5\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03b60",
    "abekmhopctyxijsabehikmvoptyxzo",
)


@lru_cache(maxsize=8192)
def skeleton(symbol: str) -> str:
    """Return what a symbol looks like: compatible forms, case and look-alike letters folded."""
    return normalize("NFKC", symbol).casefold().translate(_LATIN)


def find_lookalikes(symbols: Iterable[str], known: Iterable[str]) -> list[tuple[str, str]]:
    """Find symbols that look like another known one, sorted.

    Parameters
    ----------
    symbols : iterable of str
    known : iterable of str
        May hold the symbols themselves.

    Returns
    -------
    list of (symbol, the first known one that it looks like)
    """
    wanted = {skeleton(symbol): symbol for symbol in symbols}
    found: set[tuple[str, str]] = set()
    for name in known:
        symbol = wanted.get(skeleton(name))
        if symbol is not None and symbol != name:
            found.add((symbol, name))
    return sorted(found)
