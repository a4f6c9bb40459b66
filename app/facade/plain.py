"""Values of callers as plain JSON values: numbers of numpy, Decimal, aware datetimes, Series.

``app/client/plain.py`` and ``app/facade/plain.py`` are equal, which a test checks: the client
imports nothing of the service, and the facade stands below the client.
"""

import math
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# a whole Decimal below it stays an int: nanoseconds are exact
_WHOLE_BELOW: Final = 2**63


def plain(path: str, value: object) -> Any:
    """Return a value as None, bool, int, float, str, list or dict.

    Parameters
    ----------
    path : str
        Dotted, as in signals.0.confidence; for the message. "" at the top.
    value : object
        Mappings, and what has keys and items like one (a Series), become dicts; tuples become
        lists. A datetime is taken only where the path ends in ``_ns``.

    Raises
    ------
    ValueError
        If a value has no exact plain form or is not finite; it names the path and the value.
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, list | tuple):
        return [plain(_below(path, index), item) for index, item in enumerate(value)]
    fields = mapping_of(value)
    if fields is not None:
        return {_key(path, key): plain(_below(path, key), item) for key, item in fields.items()}
    if isinstance(value, datetime):
        return _nanoseconds(path, value)
    number = number_of(value)
    if number is None:
        raise ValueError(f"{path} must be a number, text, list or mapping, was {value!r}")
    if not is_finite(number):
        raise ValueError(f"{path} must be finite, was {value!r}")
    return number


def number_of(value: object) -> int | float | None:
    """Return the int or float that a value is, or None if it is not a number.

    Numbers of numpy and fractions count; a Decimal is its exact int or its nearest float. Booleans
    and texts are not numbers.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Decimal):
        if value.is_nan():
            return math.nan
        whole = abs(value) < _WHOLE_BELOW and value == int(value)
        return int(value) if whole else float(value)
    return float(value) if isinstance(value, Real) else None


def is_finite(number: float) -> bool:
    """Return whether a number is finite as a float: not NaN, and no int too large for one."""
    return abs(number) <= sys.float_info.max


def nanoseconds_of(value: datetime) -> int | None:
    """Return nanoseconds since 1970 UTC, or None for a datetime without a time zone."""
    if value.utcoffset() is None:
        return None
    # a datetime of pandas holds nanoseconds beside its microseconds
    return (value - _EPOCH) // _MICROSECOND * 1000 + int(getattr(value, "nanosecond", 0))


def mapping_of(value: object) -> Mapping[Any, Any] | None:
    """Return a mapping as it is, a Series-like object as a dict, anything else as None."""
    if isinstance(value, Mapping):
        return value
    if callable(getattr(value, "keys", None)) and callable(getattr(value, "items", None)):
        return dict(value.items())  # type: ignore[attr-defined]
    return None


def _nanoseconds(path: str, value: datetime) -> int:
    if not path.endswith("_ns"):
        raise ValueError(f"{path} must be a number or text, was {value!r}")
    found = nanoseconds_of(value)
    if found is None:
        raise ValueError(f"{path} must have a time zone, was {value!r}")
    return found


def _key(path: str, key: object) -> str:
    if not isinstance(key, str):
        raise ValueError(f"{path or 'the body'} must have texts as keys, was {key!r}")  # noqa: TRY004
    return str(key)


def _below(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)
