"""A search of the journal: reads and checks the fields of its form, and links to its pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from app.console.errors import FormRefused
from app.core.types import FallbackReason
from app.pipeline.ports import DecisionQuery

FIELDS: Final = ("id", "symbol", "strategy_id", "strategy", "reason", "since", "until")
REASONS: Final = tuple(reason.value for reason in FallbackReason)
STRATEGIES: Final = ("rl", "fallback")
_LONGEST: Final = 256
_NS: Final = 1_000_000_000
# seconds that a time covers by the length of its text: 2026-01-31, 2026-01-31T09:30; else one
_COVERS_SEC: Final = {10: 86_400, 16: 60}


@dataclass(frozen=True, slots=True)
class Search:
    """The fields of a search as given, and the query of the journal made of them."""

    fields: Mapping[str, str]
    query: DecisionQuery

    def query_string(self, **more: object) -> str:
        """Return the query string of this search with more parameters."""
        given = {name: value for name, value in self.fields.items() if value}
        return urlencode({**given, **more})


def read_search(parameters: Mapping[str, str], limit: int) -> Search:
    """Return the search of a request's query parameters.

    Raises
    ------
    FormRefused
        If a field is too long or has no valid value.
    """
    fields = {name: parameters.get(name, "").strip() for name in FIELDS}
    long = next((name for name, value in fields.items() if len(value) > _LONGEST), None)
    if long is not None:
        raise FormRefused(422, f"{long} must hold at most {_LONGEST} characters")
    query = DecisionQuery(
        limit=limit,
        before_seq=read_before_seq(parameters),
        strategy=_one_of("strategy", fields["strategy"], STRATEGIES),
        fallback_reason=_one_of("reason", fields["reason"], REASONS),
        symbol=fields["symbol"] or None,
        strategy_id=fields["strategy_id"] or None,
        since_ns=_moment("since", fields["since"]),
        until_ns=_moment("until", fields["until"], end=True),
    )
    return Search(fields, query)


def read_before_seq(parameters: Mapping[str, str]) -> int | None:
    """Return the journal entry before which a page of results starts; None for the newest.

    Raises
    ------
    FormRefused
        If it is no whole number.
    """
    text = parameters.get("before_seq", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise FormRefused(422, f"before_seq must be a whole number, was {text[:40]!r}")
    return int(text)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str | None:
    if value and value not in allowed:
        raise FormRefused(422, f"{name} must be of {', '.join(allowed)}, was {value[:40]!r}")
    return value or None


def _moment(name: str, text: str, *, end: bool = False) -> int | None:
    """Return a UTC time in nanoseconds; with ``end`` the end of its day, minute or second."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        whole = int(found.timestamp()) * _NS
    except (ValueError, OverflowError) as error:
        message = f"{name} must be a UTC time like 2026-01-31T09:30, was {text[:40]!r}"
        raise FormRefused(422, message) from error
    if not end:
        return whole
    return whole + _COVERS_SEC.get(len(text), 1) * _NS - 1
