"""The committed dashboards, as Grafana reads them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

DASHBOARDS: Final = Path(__file__).parents[2] / "grafana" / "dashboards"


def dashboards() -> dict[str, dict[str, Any]]:
    """Content of every file by the file's stem."""
    files = sorted(DASHBOARDS.glob("*.json"))
    return {file.stem: json.loads(file.read_text("utf-8")) for file in files}


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All panels but rows."""
    yield from (panel for panel in dashboard["panels"] if panel["type"] != "row")


def expressions() -> list[tuple[str, str, str]]:
    """Dashboard, panel and expression of every query, the ones of annotations with them."""
    asked = [
        (name, panel["title"], target["expr"])
        for name, dashboard in dashboards().items()
        for panel in panels(dashboard)
        for target in panel.get("targets", ())
    ]
    noted = [
        (name, note["name"], note["target"]["expr"])
        for name, dashboard in dashboards().items()
        for note in dashboard["annotations"]["list"]
    ]
    return asked + noted
