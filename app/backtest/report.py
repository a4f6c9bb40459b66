"""The figures as JSON for programs, and as a plain ASCII table for people."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

from app.backtest.data import data_json, data_lines, warning_lines
from app.backtest.options import LEARNED, POLICIES, BacktestOptions
from app.backtest.results import Results, Span, as_json, decisions_of, multiplier_band
from app.backtest.session import Played
from app.core.params import EngineParams
from app.core.types import JsonObject
from app.history.gain import DRAWS, LEVEL, MEAN_BLOCK_DAYS, SEED

GAIN_KEYS: Final = ("sharpe_gain", "ci_low", "ci_high")
_COLUMNS: Final = (
    ("Sharpe", "sharpe", "{:.3f}"),
    ("Sortino", "sortino", "{:.3f}"),
    ("max DD", "max_drawdown", "{:.1%}"),
    ("Calmar", "calmar", "{:.3f}"),
    ("turnover", "turnover_per_year", "{:.1f}"),
    ("return/y", "annual_return", "{:.2%}"),
    ("vol/y", "annual_volatility", "{:.2%}"),
    ("gross", "gross_mean", "{:.2f}"),
)


def results_json(results: Results, options: BacktestOptions, params: EngineParams) -> JsonObject:
    """One object by policy, null with a note where it was not played, and the rest beside them."""
    return {
        **{name: _policy_json(name, results) for name in POLICIES},
        "notes": dict(results.notes),
        "data": data_json(results.quality),
        "settings": settings_json(results, options, params),
        "years": [_span_json(span) for span in results.years],
        "folds": [_span_json(span) for span in results.folds],
        "dates": [str(day) for day in results.dates],
        "series": {name: _series_json(played) for name, played in results.played.items()},
    }


def settings_json(results: Results, options: BacktestOptions, params: EngineParams) -> JsonObject:
    """State everything that the figures depend on besides the prices."""
    return {
        "mode": options.mode,
        "prices": options.prices.name,
        "column": options.column,
        "symbols": len(next(iter(results.played.values())).run.weights[0]),
        "first_day": str(results.dates[0]),
        "last_day": str(results.dates[-1]),
        "n_days": len(results.dates) - 1,
        "periods_per_year": results.periods,
        "short": options.short,
        "cost_bps": options.cost_bps,
        "span": options.span,
        "delay": options.delay,
        "outcomes": options.outcomes,
        "portfolio_value_usd": params.portfolio_value,
        "bootstrap": {
            "method": "paired stationary",
            "mean_block_days": MEAN_BLOCK_DAYS,
            "draws": DRAWS,
            "level": LEVEL,
            "seed": SEED,
        },
        "params": params.to_json(),
        "settings_hash": params.digest(),
    }


def format_table(results: Results, options: BacktestOptions) -> str:
    """Write the figures for a terminal, plain ASCII."""
    first, last = results.dates[0], results.dates[-1]
    title = (
        f"{len(results.dates) - 1} days, {first} to {last}, "
        f"{'long/short' if options.short else 'long/flat'}, {options.cost_bps:g} bps, "
        f"span {options.span:g}, {results.periods:g} days a year"
    )
    lines = [
        title,
        *warning_lines(results.quality),
        "",
        f"{'':<15}" + "".join(f"{title:>10}" for title, _, _ in _COLUMNS),
        *(_row(name, asdict(each)) for name, each in results.figures.items()),
        "",
        *_gain_lines(results),
        *(f"{name}: {note}" for name, note in results.notes.items()),
        "",
        *data_lines(results.quality),
    ]
    return "\n".join(lines).rstrip()


def _row(name: str, figures: Mapping[str, Any]) -> str:
    return f"{name:<15}" + "".join(f"{shown(figures[key], form):>10}" for _, key, form in _COLUMNS)


def shown(value: float | None, form: str) -> str:
    """Format a figure; ``n/a`` where there is none."""
    return "n/a" if value is None else form.format(value)


def _gain_lines(results: Results) -> Iterator[str]:
    for name, gain in results.gains.items():
        yield (
            f"{name} over kelly_smoothed: Sharpe gain {gain.sharpe_gain:+.3f}, 95 % "
            f"[{gain.ci_low:+.3f}, {gain.ci_high:+.3f}], {gain.n_days} days"
        )


def _policy_json(name: str, results: Results) -> JsonObject | None:
    if name not in results.played:
        return None
    played, gain = results.played[name], results.gains.get(name)
    body: JsonObject = as_json(results.figures[name], gain)
    if name in LEARNED and gain is None:
        body |= dict.fromkeys(GAIN_KEYS)
    if played.sizer is not None:
        body["decisions"] = decisions_of(played)
    if played.sizer is not None and name in LEARNED:
        body["model_versions"] = sorted(played.sizer.model_versions)
        body["model"] = played.card
    return body | {"ms_per_decision": played.ms_per_decision}


def _series_json(played: Played) -> JsonObject:
    run = played.run
    series: JsonObject = {
        "equity_usd": run.equity_usd.tolist(),
        "traded_usd": run.traded_usd.tolist(),
        "gross": abs(run.weights).sum(axis=1).tolist(),
        "net": run.weights.sum(axis=1).tolist(),
    }
    band = multiplier_band(played)
    if band is not None:
        columns = zip(
            ("multiplier_p10", "multiplier_median", "multiplier_p90"), band.T, strict=True
        )
        # orjson writes NaN, a day of Phase 2's own, as null
        series |= {name: column.tolist() for name, column in columns}
    return series


def _span_json(span: Span) -> JsonObject:
    return {
        "name": span.name,
        "first_day": span.first,
        "last_day": span.last,
        "policies": {name: asdict(figures) for name, figures in span.figures.items()},
        "sharpe_gain": dict(span.gain),
    }
