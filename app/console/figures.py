"""Template filters that format numbers and times: separators, signs, units, digits."""

import math
from datetime import UTC, datetime
from typing import Final

# a hyphen is too short to be seen beside digits
_MINUS: Final = "\N{MINUS SIGN}"
_NONE: Final = "\N{EN DASH}"
_NS: Final = 1_000_000_000


def usd(value: float | None) -> str:
    """Format dollars without the dollar sign: cents only below a thousand, none for zero."""
    if value is None or not math.isfinite(value):
        return _NONE
    digits = 0 if abs(value) >= 1000.0 or value == 0.0 else 2
    return _signed(f"{value:,.{digits}f}")


def change(value: float | None) -> str:
    """Format a change in dollars with its plus or minus sign."""
    if value is None:
        return _NONE
    text = usd(value)
    if text == "0.00":
        return "0"
    return f"+{text}" if value > 0.0 else text


def fraction(value: float | None, digits: int = 1) -> str:
    """Format a fraction as percent."""
    return _NONE if value is None else percent(100.0 * value, digits)


def percent(value: float | None, digits: int = 1) -> str:
    """Format a percentage with the percent sign."""
    if value is None or not math.isfinite(value):
        return _NONE
    return _signed(f"{value:,.{digits}f}") + "\N{NO-BREAK SPACE}%"


def basis_points(value: float | None) -> str:
    """Format a fraction as basis points."""
    if value is None or not math.isfinite(value):
        return _NONE
    return _signed(f"{1e4 * value:+,.2f}") + "\N{NO-BREAK SPACE}bp"


def number(value: float | None, digits: int = 2) -> str:
    """Format a plain number."""
    if value is None or not math.isfinite(value):
        return _NONE
    return _signed(f"{value:,.{digits}f}")


def milliseconds(value: float | None) -> str:
    """Format milliseconds with the unit."""
    if value is None:
        return _NONE
    digits = 2 if value < 10.0 else 1 if value < 100.0 else 0
    return f"{value:,.{digits}f}\N{NO-BREAK SPACE}ms"


def seconds(value: float) -> str:
    """Format a length of time: seconds below a minute, else minutes and hours."""
    whole = math.ceil(value)
    if whole < 60:
        return f"{whole}\N{NO-BREAK SPACE}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}\N{NO-BREAK SPACE}min {rest}\N{NO-BREAK SPACE}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}\N{NO-BREAK SPACE}h {minutes}\N{NO-BREAK SPACE}min"


def moment(at_ns: int) -> str:
    """Format a time as UTC date and time, to the second."""
    return _at(at_ns).strftime("%Y-%m-%d %H:%M:%S")


def clock_time(at_ns: int) -> str:
    """Format a time as UTC time of day, to the second."""
    return _at(at_ns).strftime("%H:%M:%S")


def machine_time(at_ns: int) -> str:
    """Format a time as ISO 8601, for ``datetime`` attributes."""
    return _at(at_ns).strftime("%Y-%m-%dT%H:%M:%SZ")


def words(name: str | None) -> str:
    """Return a wire name with spaces: circuit_open becomes circuit open."""
    return _NONE if name is None else name.replace("_", " ")


def _at(at_ns: int) -> datetime:
    # datetime ends with the year 9999
    return datetime.fromtimestamp(min(at_ns // _NS, 253_402_300_799), tz=UTC)


def _signed(text: str) -> str:
    if text.startswith("-") and not any(digit in text for digit in "123456789"):
        text = text[1:]
    return text.replace("-", _MINUS)


FILTERS: Final = {
    "usd": usd,
    "change": change,
    "fraction": fraction,
    "percent": percent,
    "basis_points": basis_points,
    "number": number,
    "milliseconds": milliseconds,
    "seconds": seconds,
    "moment": moment,
    "clock_time": clock_time,
    "machine_time": machine_time,
    "words": words,
}
