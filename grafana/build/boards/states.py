"""Names and colours of state codes, and queries that several dashboards use."""

from collections.abc import Mapping
from typing import Final

from grafana.build.panel import Colour, Query

WINDOW: Final = "$__rate_interval"
CIRCUIT: Final[Mapping[int, tuple[str, Colour]]] = {
    0: ("closed", "green"),
    1: ("half open", "orange"),
    2: ("open", "red"),
}
UP: Final[Mapping[int, tuple[str, Colour]]] = {0: ("down", "red"), 1: ("up", "green")}
WRONG: Final[Mapping[int, tuple[str, Colour]]] = {0: ("no", "green"), 1: ("yes", "red")}


def rate(name: str, by: str, selector: str = "") -> Query:
    """Return the query for a counter's rate, summed over all labels but one.

    Parameters
    ----------
    name : str
        With its ``_total``.
    by : str
        Label that is kept.
    selector : str, optional
        In braces.
    """
    return Query(f"sum by ({by}) (rate({name}{selector}[{WINDOW}]))", f"{{{{{by}}}}}")


def quantiles(name: str, by: str = "", selector: str = "") -> tuple[Query, Query]:
    """Return the queries for median and 99th percentile of a histogram.

    Parameters
    ----------
    name : str
        Without its ``_bucket``.
    by : str, optional
        A label to keep.
    selector : str, optional
        In braces.
    """
    kept = f"le, {by}" if by else "le"
    shown = f"{{{{{by}}}}} " if by else ""
    buckets = f"sum by ({kept}) (rate({name}_bucket{selector}[{WINDOW}]))"
    return (
        Query(f"histogram_quantile(0.5, {buckets})", f"{shown}p50"),
        Query(f"histogram_quantile(0.99, {buckets})", f"{shown}p99"),
    )
