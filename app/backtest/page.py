"""One self-contained HTML page: charts as inline SVG, tables, every setting; light and dark."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

import numpy as np
import orjson

from app.backtest import options as names
from app.backtest.chart import Chart, Line, draw_chart
from app.backtest.data import HEADS, cells_of
from app.backtest.figures import drawdowns
from app.backtest.options import LEARNED, BacktestOptions
from app.backtest.report import settings_json, shown
from app.backtest.results import Results, Span, multiplier_band
from app.backtest.style import STYLE
from app.core.params import EngineParams
from app.core.types import FloatArray
from app.history.quality_warnings import quality_warnings

LABELS: Final = {
    names.EQUAL_WEIGHT: "equal weight",
    names.VOL_TARGET: "volatility target",
    names.KELLY: "Kelly",
    names.KELLY_SMOOTHED: "Kelly, smoothed",
    names.LINEAR: "linear",
    names.RL: "RL",
}
_MEAN_DAYS: Final = 21
_COLUMNS: Final = (
    ("Sharpe", "sharpe", "{:.3f}"),
    ("Sortino", "sortino", "{:.3f}"),
    ("Return a year", "annual_return", "{:.2%}"),
    ("Volatility", "annual_volatility", "{:.2%}"),
    ("Max. drawdown", "max_drawdown", "{:.1%}"),
    ("Calmar", "calmar", "{:.3f}"),
    ("Turnover a year", "turnover_per_year", "{:.1f}"),
    ("Cost a year", "cost_per_year", "{:.2%}"),
    ("Mean gross", "gross_mean", "{:.2f}"),
    ("Mean net", "net_mean", "{:.2f}"),
)


def write_page(results: Results, options: BacktestOptions, params: EngineParams) -> str:
    """Write the page.

    Parameters
    ----------
    results : Results
    options : BacktestOptions
    params : EngineParams

    Returns
    -------
    str
        HTML without any reference to another file or address.
    """
    first, last = results.dates[0], results.dates[-1]
    title = f"Backtest of {options.prices.name}, {first} to {last}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(_terms(results, options))}</p>",
        *_warnings(results),
        *_verdicts(results),
        _policy_table(results),
        *_notes(results),
        *(draw_chart(chart) for chart in _charts(results)),
        _span_table("By fold: Sharpe ratio", results.folds, results),
        _span_table("By year: Sharpe ratio", results.years, results),
        _data_table(results),
        _settings(settings_json(results, options, params)),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def _terms(results: Results, options: BacktestOptions) -> str:
    sides = "long/short" if options.short else "long/flat"
    traded = "the next close" if options.delay else "the same close"
    return (
        f"{len(results.dates) - 1} days; {sides}; decided at the close, traded at {traded} for "
        f"{options.cost_bps:g} bps of the notional; weights smoothed with span {options.span:g} "
        "(Kelly alone goes to its target at once). Signals, volatility and confidence are "
        "estimated from the past only. The benchmarks are long only, under the same caps, "
        "smoothing and costs. Returns are net of cost; ratios are annual, "
        f"{results.periods:g} days a year."
    )


def _warnings(results: Results) -> Iterator[str]:
    found = quality_warnings(results.quality)
    if found:
        items = "".join(f"<li>{escape(line)}</li>" for line in found)
        yield (
            '<div class="warning"><b>Data warnings, to be read before the figures</b>'
            f"<ul>{items}</ul></div>"
        )


def _data_table(results: Results) -> str:
    rows = [(each.symbol, cells_of(each)) for each in results.quality.symbols]
    return _table("Data", "Symbol", list(HEADS), rows)


def _verdicts(results: Results) -> Iterator[str]:
    for name, gain in results.gains.items():
        sure = "above zero" if gain.ci_low > 0.0 else "below zero" if gain.ci_high < 0.0 else ""
        verdict = f"the interval lies {sure}" if sure else "the interval includes zero"
        yield (
            f'<p class="verdict"><b>{LABELS[name]} against smoothed Kelly: Sharpe ratio '
            f"{gain.sharpe_gain:+.3f}</b>, 95 % interval {gain.ci_low:+.3f} to "
            f"{gain.ci_high:+.3f} over {gain.n_days} days: {verdict}.</p>"
        )


def _policy_table(results: Results) -> str:
    heads = [title for title, _, _ in _COLUMNS]
    rows = [
        (LABELS[name], [shown(getattr(figures, key), form) for _, key, form in _COLUMNS])
        for name, figures in results.figures.items()
    ]
    return _table("Policies", "Policy", heads, rows)


def _span_table(title: str, spans: Sequence[Span], results: Results) -> str:
    learned = [name for name in LEARNED if name in results.played]
    heads = [LABELS[name] for name in results.played]
    heads += [f"gain of {LABELS[name]}" for name in learned]
    rows = [
        (
            f"{span.name}, {span.first} to {span.last}",
            [shown(span.figures[name].sharpe, "{:.2f}") for name in results.played]
            + [shown(span.gain[name], "{:+.2f}") for name in learned],
        )
        for span in spans
    ]
    return _table(title, "Days", heads, rows)


def _table(title: str, corner: str, heads: list[str], rows: list[tuple[str, list[str]]]) -> str:
    head = "".join(f"<th scope=col>{escape(each)}</th>" for each in [corner, *heads])
    body = "".join(
        f"<tr><th scope=row>{escape(name)}</th>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, cells in rows
    )
    return (
        f'<h2>{escape(title)}</h2><div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _notes(results: Results) -> Iterator[str]:
    if results.notes:
        items = "".join(
            f"<li><b>{LABELS[name]}</b>: {escape(note)}</li>"
            for name, note in results.notes.items()
        )
        yield f"<ul>{items}</ul>"


def _charts(results: Results) -> Iterator[Chart]:
    played, decided = results.played, results.dates[:-1]
    yield Chart(
        "Equity, USD, net of cost (logarithmic)",
        results.dates,
        [Line(LABELS[name], name, each.run.equity_usd) for name, each in played.items()],
        "{:,.0f}".format,
        log=True,
    )
    yield Chart(
        "Drawdown",
        results.dates,
        [Line(LABELS[name], name, -drawdowns(each.run.returns)) for name, each in played.items()],
        "{:.0%}".format,
    )
    for title, count in (("Gross", _gross), ("Net", _net)):
        yield Chart(
            f"{title} exposure, fraction of portfolio value, mean of {_MEAN_DAYS} days",
            decided,
            [
                Line(LABELS[name], name, _trailing_mean(count(each.run.weights)))
                for name, each in played.items()
            ],
            "{:.2f}".format,
        )
    yield Chart(
        "Cost of trading so far, fraction of portfolio value",
        decided,
        [Line(LABELS[name], name, each.run.cost_pct.cumsum()) for name, each in played.items()],
        "{:.1%}".format,
    )
    yield from _multipliers(results)


def _gross(weights: FloatArray) -> FloatArray:
    total: FloatArray = np.abs(weights).sum(axis=1)
    return total


def _net(weights: FloatArray) -> FloatArray:
    total: FloatArray = weights.sum(axis=1)
    return total


def _trailing_mean(values: FloatArray) -> FloatArray:
    """Mean of the last 21 values, of fewer at the start; daily exposure is too restless to see."""
    total = np.cumsum(values)
    total[_MEAN_DAYS:] -= np.cumsum(values)[:-_MEAN_DAYS]
    mean: FloatArray = total / np.minimum(np.arange(1, len(values) + 1), _MEAN_DAYS)
    return mean


def _multipliers(results: Results) -> Iterator[Chart]:
    for name, each in results.played.items():
        band = multiplier_band(each)
        if band is not None:
            yield Chart(
                f"Multiplier of {LABELS[name]} on Phase 2: median and 80 % of symbols",
                results.dates[:-1],
                [Line("median", name, band[:, 1])],
                "{:.2f}".format,
                band=(band[:, 0], band[:, 2]),
            )


def _settings(stated: Mapping[str, object]) -> str:
    text = orjson.dumps(stated, option=orjson.OPT_INDENT_2).decode()
    return f"<details><summary>Settings</summary><pre>{escape(text)}</pre></details>"
