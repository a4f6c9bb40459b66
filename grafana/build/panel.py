"""A panel as data, and Grafana's panel made from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    timeseries,
)
from grafana_foundation_sdk.models import common as words
from grafana_foundation_sdk.models import dashboard as model

DATASOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="himari-prometheus")
Kind = Literal["lines", "stack", "stat", "name", "bars", "states"]
Colour = Literal["green", "yellow", "orange", "red", "blue", "text"]
PanelBuilder = timeseries.Panel | stat.Panel | bargauge.Panel | statetimeline.Panel
HEIGHTS: Final[Mapping[Kind, int]] = {"stat": 4, "name": 4, "states": 6}


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression, and the legend of its series."""

    expr: str
    legend: str = "{{instance}}"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A value from which on the panel has another colour."""

    value: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel of a dashboard: title, queries, unit, thresholds and axis.

    Parameters
    ----------
    title : str
    description : str
        What the values mean to the reader.
    unit : str
        Grafana's name of the unit.
    queries : tuple of Query
    kind : str
        Lines, stacked areas, one big number, the name of a series, bars, or a band of states.
    thresholds : tuple of Threshold
        Limits and targets, ascending; ``base`` is the colour below the first.
    names : mapping of value to its name and colour
    low, high : float, optional
        Ends of the axis.
    width : int, of 24 columns
    """

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: Kind = "lines"
    thresholds: tuple[Threshold, ...] = ()
    base: Colour = "green"
    names: Mapping[int, tuple[str, Colour]] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None
    width: int = 8

    @property
    def height(self) -> int:
        """Height in rows of the grid."""
        return HEIGHTS.get(self.kind, 8)


def build_panel(panel: Panel) -> PanelBuilder:
    """Return Grafana's panel.

    Parameters
    ----------
    panel : Panel
    """
    built = _visual(panel)
    built.title(panel.title).description(panel.description).unit(panel.unit).datasource(DATASOURCE)
    built.height(panel.height).span(panel.width).thresholds(_thresholds(panel))
    if panel.low is not None:
        built.min(panel.low)
    if panel.high is not None:
        built.max(panel.high)
    if panel.names:
        built.mappings([_value_map(panel.names)])
    for place, query in enumerate(panel.queries):
        built.with_target(_target(panel, query, chr(ord("A") + place)))
    return built


def _target(panel: Panel, query: Query, ref: str) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(ref)
    target.datasource(DATASOURCE)
    return target.instant() if panel.kind in {"stat", "name", "bars"} else target.range()


def _visual(panel: Panel) -> PanelBuilder:
    if panel.kind in {"lines", "stack"}:
        return _time_series(panel)
    if panel.kind == "bars":
        bars = bargauge.Panel().orientation(words.VizOrientation.HORIZONTAL)
        return bars.display_mode(words.BarGaugeDisplayMode.BASIC).reduce_options(_last())
    if panel.kind == "states":
        return statetimeline.Panel().show_value(words.VisibilityMode.NEVER).merge_values(True)
    number = stat.Panel().reduce_options(_last()).graph_mode(words.BigValueGraphMode.NONE)
    if panel.kind == "name":
        return number.text_mode(words.BigValueTextMode.NAME)
    return number.color_mode(words.BigValueColorMode.VALUE)


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields("")


def _time_series(panel: Panel) -> timeseries.Panel:
    legend = common.VizLegendOptions().display_mode(words.LegendDisplayMode.LIST)
    legend.placement(words.LegendPlacement.BOTTOM).show_legend(True).calcs([])
    built = timeseries.Panel().legend(legend).line_width(1).show_points(words.VisibilityMode.NEVER)
    built.tooltip(
        common.VizTooltipOptions()
        .mode(words.TooltipDisplayMode.MULTI)
        .sort(words.SortOrder.DESCENDING)
    )
    # milliseconds: lines span a missed scrape or two, and a longer gap is shown as one
    built.span_nulls(60_000.0)
    if panel.kind == "stack":
        built.stacking(common.StackingConfig().mode(words.StackingMode.NORMAL)).fill_opacity(40)
    if panel.thresholds:
        style = common.GraphThresholdsStyleConfig().mode(words.GraphTresholdsStyleMode.DASHED)
        built.thresholds_style(style)
    return built


def _thresholds(panel: Panel) -> dashboard.ThresholdsConfig:
    steps = [model.Threshold(value=None, color=panel.base)]
    steps += [
        model.Threshold(value=threshold.value, color=threshold.colour)
        for threshold in panel.thresholds
    ]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


def _value_map(names: Mapping[int, tuple[str, Colour]]) -> model.ValueMap:
    results = {
        str(value): model.ValueMappingResult(text=text, color=colour, index=place)
        for place, (value, (text, colour)) in enumerate(names.items())
    }
    return model.ValueMap(options=results)
