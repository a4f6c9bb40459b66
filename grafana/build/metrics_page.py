"""docs/metrics.md: every metric family with its unit and its readers."""

from collections.abc import Iterator, Sequence
from typing import Final

from grafana.build.families import INFERENCE, SERVICE, Family
from grafana.build.readers import readers_of

_HEAD: Final = """\
# Metrics

What `GET /metrics` of the two servers exposes: made by `python -m grafana.build`, do not edit.
The unit stands in brackets, for families of libraries in the name. Labels stay bounded however
many names callers invent (at most 50 values, the rest `other`), and label sets of known values
are there from the start, so no rate is born with its first event. Readers are those of the
dashboards in `grafana/dashboards` and of the alerts in `grafana/rules` ([runbooks](runbooks.md)).
"""
_PORTS: Final = {SERVICE: "port 8000, job `himari`", INFERENCE: "port 8888, job `himari-inference`"}


class UnreadMetrics(Exception):
    """Some families have no reader: no panel, no alert and no entry of `BY_HAND`."""


def metrics_page(families: Sequence[Family]) -> str:
    """Return the text of the page.

    Parameters
    ----------
    families : sequence of Family

    Raises
    ------
    UnreadMetrics
        If a family has no reader.
    """
    unread = sorted({family.name for family in families if not readers_of(family)})
    if unread:
        raise UnreadMetrics(
            f"nobody reads {', '.join(unread)}: put it on a panel or an alert, "
            "or name its reader in grafana/build/readers.py"
        )
    return "\n".join(_lines(families)) + "\n"


def _lines(families: Sequence[Family]) -> Iterator[str]:
    yield _HEAD
    for server in (SERVICE, INFERENCE):
        mine = sorted((one for one in families if one.server == server), key=_own_first)
        yield f"## {server}: {len(mine)} families, {_PORTS[server]}\n"
        yield "| metric | type | labels | what it says | who reads it |"
        yield "| --- | --- | --- | --- | --- |"
        for family in mine:
            labels = ", ".join(f"`{label}`" for label in family.labels)
            text = family.text.removesuffix(".").replace("|", "\\|")
            yield f"| `{family.name}` | {family.kind} | {labels} | {text} | {readers_of(family)} |"
        yield ""


def _own_first(family: Family) -> tuple[bool, str]:
    return not family.name.startswith("himari"), family.name
