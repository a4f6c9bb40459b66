"""Readers of a metric family: the panels and alerts that query it, or a person named here."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from grafana.build.boards import BOARDS
from grafana.build.families import Family

RULES: Final = Path(__file__).parents[1] / "rules"
# readers of families on no panel and in no alert, by the beginning of the family's name
BY_HAND: Final[Mapping[str, str]] = {
    "http_request_size_bytes": "developer, when bodies are suspected",
    "http_response_size_bytes": "developer, when bodies are suspected",
    "process_": "operator, when memory, restarts or sockets are suspected",
    "python_": "developer, when the interpreter is suspected",
}
_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_ENDINGS: Final = ("_bucket", "_count", "_sum")


@cache
def rules() -> tuple[dict[str, Any], ...]:
    """Return every rule of every file, in order."""
    files = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(RULES.glob("*.yml"))]
    return tuple(rule for file in files for group in file["groups"] for rule in group["rules"])


def readers_of(family: Family) -> str:
    """Return the readers of a family with their dashboards and alerts; empty without one.

    Parameters
    ----------
    family : Family
    """
    recorded = {rule["record"] for rule in rules() if "record" in rule and _asks(rule, family)}
    wanted = {family.name} | recorded
    boards = [
        f"{board.reader} ({board.uid})"
        for board in BOARDS
        if any(_names(query.expr) & wanted for panel in board.panels for query in panel.queries)
    ]
    alerts = [
        rule["alert"] for rule in rules() if "alert" in rule and _names(rule["expr"]) & wanted
    ]
    return "; ".join([*boards, *([f"alert {', '.join(alerts)}"] if alerts else [])]) or next(
        (who for start, who in BY_HAND.items() if family.name.startswith(start)), ""
    )


def _asks(rule: dict[str, Any], family: Family) -> bool:
    return family.name in _names(rule["expr"])


@cache
def _names(expr: str) -> frozenset[str]:
    """Return the names in an expression, for a histogram's series that of the family as well."""
    words = frozenset(_NAME.findall(expr))
    return words | {word.removesuffix(end) for word in words for end in _ENDINGS}
