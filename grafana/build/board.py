"""A dashboard as data, and Grafana's dashboard made from it."""

import json
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard, dashboardlist
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from grafana.build.panel import DATASOURCE, Panel, build_panel

TAG: Final = "himari"
_LIST_HEIGHT: Final = 8


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard for one kind of reader.

    Parameters
    ----------
    uid : str
        Part of the dashboard's URL, so it stays the same.
    title, description, reader : str
    rows : tuple of Row
    lists_boards : bool
        Whether a panel lists all the others; for the home dashboard.
    """

    uid: str
    title: str
    description: str
    reader: str
    rows: tuple[Row, ...]
    lists_boards: bool = False

    @property
    def file(self) -> str:
        """Stem of the dashboard's file."""
        return self.uid.removeprefix(f"{TAG}-")

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels with queries, in order."""
        return tuple(panel for row in self.rows for panel in row.panels)


def board_json(board: Board) -> str:
    """Return Grafana's JSON of a dashboard, the same bytes for the same data.

    Parameters
    ----------
    board : Board
    """
    built = dashboard.Dashboard(board.title).uid(board.uid).description(board.description)
    built.tags([TAG]).readonly().refresh("10s").time("now-1h", "now").timezone("browser")
    built.tooltip(model.DashboardCursorSync.CROSSHAIR).link(_links())
    built.annotation(_alerts()).version(1)
    ids = count(1)
    for row in board.rows:
        built.with_row(dashboard.Row(row.title).id(next(ids)))
        for panel in row.panels:
            built.with_panel(build_panel(panel).id(next(ids)))
    if board.lists_boards:
        built.with_panel(_list_of_boards().id(next(ids)))
    content: dict[str, Any] = json.loads(json.dumps(built.build(), cls=JSONEncoder))
    # readers choose their own style, and newer schemas have no such field
    del content["style"]
    for note in content["annotations"]["list"]:
        # the current schema has an annotation's query in its target
        note["target"] = {"datasource": note["datasource"], "expr": note.pop("expr"), "refId": "A"}
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def _links() -> dashboard.DashboardLink:
    links = dashboard.DashboardLink("HIMARI").type(model.DashboardLinkType.DASHBOARDS)
    return links.tags([TAG]).as_dropdown(False).keep_time(True).include_vars(False).icon("")


def _alerts() -> dashboard.AnnotationQuery:
    """Return the annotation that shows firing alerts on every panel."""
    firing = dashboard.AnnotationQuery().name("Alerts").datasource(DATASOURCE).enable(True)
    firing.icon_color("red").hide(False)
    return firing.expr('ALERTS{alertname=~"Himari.+",alertstate="firing",severity!="info"}')


def _list_of_boards() -> dashboardlist.Panel:
    listed = dashboardlist.Panel().title("Dashboards").description("All of this service.")
    listed.tags([TAG]).show_search(True).show_starred(False).show_headings(False)
    return listed.keep_time(True).max_items(20).height(_LIST_HEIGHT).span(24)
