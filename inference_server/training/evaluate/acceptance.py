"""Run the acceptance report: each fold model on days after those it was trained on.

Every figure is of the served portfolio (`served_exact`): blend, limits, smoothing and closing
included. A fold's model acts from its first day to the next fold's, in every universe.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch

from inference_server.training.evaluate.calibration import HitFigures, summarise_hits
from inference_server.training.evaluate.intervals import walk_coverage
from inference_server.training.evaluate.panels import Panel, build_panel, year_folds
from inference_server.training.evaluate.results import CaseResults, MultiplierFigures
from inference_server.training.evaluate.volatility import (
    VolatilityFigures,
    judge_forecasts,
    realised_variance,
)
from inference_server.training.evaluate.volatility_baselines import (
    ewma_variance,
    garch_variance,
    har_variance,
)
from inference_server.training.fit.fit import transformer_logit
from inference_server.training.fit.networks import multiplier_of
from inference_server.training.fit.unsided import unsided_features
from inference_server.training.fit.walk_forward import FOLDS, FittedCase
from inference_server.training.play.fitted_policy import FittedPolicy
from inference_server.training.play.served_exact import (
    PlayedPortfolio,
    PolicyFunction,
    TradingTerms,
    play_aims,
    play_multiplier,
    play_policy,
)
from inference_server.training.play.served_torch import TensorTape
from inference_server.training.play.tape import Array, Tape

PLACEBOS: Final = 200
_WARM_UP: Final = 60
_TARGET_VOLATILITY: Final = 0.10
_FIRST_YEARS: Final = (2003, 2008, 2013, 2018)
_WEEK: Final = 5

Fits = Mapping[str, FittedCase]


@dataclass(frozen=True, slots=True, eq=False)
class JudgedUniverse:
    """A universe with the policies of the fold models, each of which acts on its own days.

    ``rows`` are the days of all fold models, 60 days of warm-up included. ``linear`` is the policy
    of the linear parts alone, ``full`` that with the Transformers. ``multipliers`` are those of
    ``full`` on the default terms, shape (T, N) over ``rows``; 1 where no model acts.
    """

    tape: Tape
    rows: slice
    linear: PolicyFunction
    full: PolicyFunction
    multipliers: Array

    @property
    def dates(self) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
        """Days of the figures: without the warm-up and the last, which only closes the books."""
        return self.tape.dates[self.rows][_WARM_UP:-1]


def judge_universe(tape: Tape, tensors: TensorTape, fits: Fits) -> JudgedUniverse:
    """Play the fold models over a universe, each on its own days, given what is held by then.

    The server takes a book without any short on a day for long/flat, so a long/short model does
    not act on that day.
    """
    first = max(tape.row_of(FOLDS[0].first), _WARM_UP)
    rows = slice(first - _WARM_UP, tape.row_of(FOLDS[-1].last))
    active = tape.usable & (tape.baseline != 0.0)
    if tape.settings["allow_short"]:
        active &= np.any(tape.baseline < 0.0, axis=1, keepdims=True)
    spans = []
    for fold in FOLDS:
        span = slice(max(tape.row_of(fold.first), first), tape.row_of(fold.last))
        if span.start < span.stop:
            spans.append((span, fits[fold.name]))
    policies = {
        kind: _by_fold(
            [
                (
                    span.start,
                    FittedPolicy(
                        tape, tensors, fit, rows=span, active=active, with_transformer=kind
                    ),
                )
                for span, fit in spans
            ],
            tape.baseline.shape[1],
        )
        for kind in (False, True)
    }
    multipliers = np.ones(tape.baseline[rows].shape)
    multipliers[:-1] = play_policy(tape, policies[True], rows, TradingTerms()).multiplier
    return JudgedUniverse(tape, rows, policies[False], policies[True], multipliers)


def _by_fold(policies: Sequence[tuple[int, FittedPolicy]], count: int) -> PolicyFunction:
    """Return the policy that calls the last model whose days have begun; before the first, 1."""

    def policy(row: int, held: Array) -> Array:
        begun = [fitted for start, fitted in policies if start <= row]
        return begun[-1](row, held) if begun else np.ones(count)

    return policy


def play_panel(
    judged: JudgedUniverse,
    name: str,
    terms: TradingTerms,
    *,
    ahead: Array | None = None,
    benchmarks: bool = True,
) -> Panel:
    """Return the daily series of every policy of a universe, played on the same terms."""
    tape, rows = judged.tape, judged.rows
    earned = None if ahead is None else ahead[rows]
    runs: dict[str, PlayedPortfolio] = {
        "kelly": play_multiplier(tape, None, rows, replace(terms, span=1.0), earned),
        "kelly_smoothed": play_multiplier(tape, None, rows, terms, earned),
        "linear": play_policy(tape, judged.linear, rows, terms, earned),
        "rl": play_policy(tape, judged.full, rows, terms, earned),
    }
    if benchmarks:
        runs["equal_weight"] = play_aims(tape, _equal_weights(tape), rows, terms, earned)
        runs["vol_target"] = play_aims(tape, _volatility_target(tape), rows, terms, earned)
    panel = build_panel(
        name,
        judged.dates,
        {key: (run.returns[_WARM_UP:], run.turnover[_WARM_UP:]) for key, run in runs.items()},
    )
    years = [int(day[:4]) for day in panel.dates]
    begun = [year for year in _FIRST_YEARS if years[0] <= year <= years[-1]]
    folds = year_folds(panel.dates, begun) if begun and years[0] == begun[0] else ()
    return replace(panel, folds=folds, cost_bps=terms.cost_bps)


def _equal_weights(tape: Tape) -> Array:
    count = tape.baseline.shape[1]
    cap, gross = tape.settings["max_position_pct"], tape.settings["max_portfolio_pct"]
    return np.full(tape.baseline.shape, min(cap, gross / count))


def _volatility_target(tape: Tape) -> Array:
    """Return inverse-volatility weights, scaled to 10 % a year by the EWMA of their own book."""
    moved = np.nan_to_num(tape.ewma) > 0.0
    # what has no price yet has no weight
    inverse = np.where(moved, 1.0 / np.sqrt(np.where(moved, tape.ewma, 1.0)), 0.0)
    mix = inverse / np.maximum(inverse.sum(axis=1, keepdims=True), 1e-12)
    earned = (mix * tape.past).sum(axis=1)
    variance = np.full(len(mix), np.nan)
    state = float(np.var(earned[:_WARM_UP]))
    for day, gain in enumerate(earned):
        state = 0.97 * state + 0.03 * gain**2
        variance[day] = state
    scale = _TARGET_VOLATILITY / np.sqrt(252.0 * np.maximum(variance, 1e-10))
    cap, gross = tape.settings["max_position_pct"], tape.settings["max_portfolio_pct"]
    weights: Array = np.minimum(mix * np.minimum(scale, gross)[:, None], cap)
    return weights


def drift_neutral_returns(judged: JudgedUniverse) -> Array:
    """Return the returns less each symbol's mean over the days of the figures."""
    ahead = judged.tape.ahead.copy()
    days = slice(judged.rows.start + _WARM_UP, judged.rows.stop - 1)
    ahead[days] -= ahead[days].mean(axis=0)
    return ahead


def placebo_gains(
    judged: JudgedUniverse, terms: TradingTerms, count: int = PLACEBOS, seed: int = 0
) -> Array:
    """Return Sharpe gains of multipliers moved in time, by symbol, among days of the same side."""
    tape, rows = judged.tape, judged.rows
    base = play_multiplier(tape, None, rows, terms).returns[_WARM_UP:]
    side = np.sign(tape.baseline[rows])
    rng = np.random.default_rng(seed)
    gains = np.empty(count)
    for place in range(count):
        moved = judged.multipliers.copy()
        share = rng.uniform(0.05, 0.95)
        for column in range(side.shape[1]):
            for sign in (1.0, -1.0):
                days = np.flatnonzero(side[:, column] == sign)
                if len(days):
                    moved[days, column] = np.roll(moved[days, column], int(share * len(days)))
        run = play_multiplier(tape, moved, rows, terms).returns[_WARM_UP:]
        gains[place] = _sharpe(run) - _sharpe(base)
    return gains


def served_gain(judged: JudgedUniverse) -> float:
    """Return the Sharpe gain of the served policy over smoothed Kelly, on the default terms."""
    tape, rows, terms = judged.tape, judged.rows, TradingTerms()
    base = play_multiplier(tape, None, rows, terms).returns[_WARM_UP:]
    # these multipliers are those of the default terms: playing them repeats the run
    run = play_multiplier(tape, judged.multipliers, rows, terms).returns[_WARM_UP:]
    return _sharpe(run) - _sharpe(base)


def _sharpe(returns: Array) -> float:
    return float(returns.mean() / returns.std(ddof=1) * 252.0**0.5)


def multiplier_figures(
    judged: JudgedUniverse, tensors: TensorTape, fits: Fits
) -> MultiplierFigures:
    """Return quantiles of the multipliers over time, and their correlation between seeds."""
    rows = slice(judged.rows.start + _WARM_UP, judged.rows.stop - 1)
    active = (judged.tape.baseline[rows] != 0.0) & judged.tape.usable[rows]
    values = np.where(active, judged.multipliers[_WARM_UP:-1], np.nan)
    weeks = [week for week in range(0, len(values), _WEEK) if active[week].any()]
    low, median, high = np.nanquantile(values[weeks], [0.1, 0.5, 0.9], axis=1)
    return MultiplierFigures(
        dates=tuple(str(day) for day in judged.tape.dates[rows][weeks]),
        low=tuple(low.tolist()),
        median=tuple(median.tolist()),
        high=tuple(high.tolist()),
        std=float(np.nanstd(values)),
        seeds_correlation=_seeds_correlation(judged, tensors, fits),
    )


def _seeds_correlation(judged: JudgedUniverse, tensors: TensorTape, fits: Fits) -> float:
    """Mean correlation of m between single seeds, over the last fold."""
    fold = FOLDS[-1]
    rows = slice(judged.tape.row_of(fold.first), judged.tape.row_of(fold.last))
    fitted = fits[fold.name]
    active = (judged.tape.baseline[rows] != 0.0) & judged.tape.usable[rows]
    linear = fitted.linear_logit(tensors, rows)
    single = [
        multiplier_of(linear + fitted.scale * transformer_logit(model, tensors, rows)).numpy()[
            active
        ]
        for model in fitted.transformers
    ]
    table = np.corrcoef(np.stack(single))
    return float(table[np.triu_indices(len(single), 1)].mean())


def head_figures(judged: JudgedUniverse, fits: Fits) -> tuple[VolatilityFigures, HitFigures]:
    """Judge the volatility and hit forecasts of the fold models on their test days."""
    tape = judged.tape
    correction = np.full(tape.baseline.shape, np.nan)
    chance = np.full(tape.baseline.shape, np.nan)
    side = np.sign(tape.baseline)
    spans = []
    before = slice(0, tape.row_of(FOLDS[0].first))
    for fold in FOLDS:
        rows = slice(tape.row_of(fold.first), min(tape.row_of(fold.last), len(tape.dates)))
        spans.append((rows.start, rows.stop))
        heads = fits[fold.name].heads
        for part in (rows, before) if fold is FOLDS[0] else (rows,):
            features, sides = torch.from_numpy(tape.features[part]), torch.from_numpy(side[part])
            with torch.no_grad():
                unsided = unsided_features(features, sides)
                volatility, rise = heads.volatility(unsided).numpy(), heads.rise(unsided).numpy()
            correction[part] = np.where(tape.usable[part], volatility, np.nan)
            chance[part] = 1.0 / (1.0 + np.exp(-rise * side[part]))
    variance = tape.ewma * np.exp(2.0 * correction)
    scaled = np.abs(tape.ahead) / np.sqrt(variance)
    refits = [tape.row_of(f"{year}-01-01") for year in range(2003, 2023)]
    volatility_figures = judge_forecasts(
        realised_variance(tape.past),
        {
            "head": variance,
            "har": har_variance(tape.past, refits),
            "garch": garch_variance(tape.past, refits),
            "ewma": ewma_variance(tape.past),
        },
        spans,
        coverage=walk_coverage(scaled, spans),
    )
    active = (tape.baseline != 0.0) & tape.usable
    active[: spans[0][0]] = False
    active[-1:] = False
    won = (tape.ahead * side > 0.0)[active]
    return volatility_figures, summarise_hits(chance[active], won.astype(np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class Universes:
    """The universes of one case: the stocks, the ETFs, a NYSE panel, and others by name."""

    stocks: tuple[Tape, TensorTape]
    etfs: tuple[Tape, TensorTape]
    nyse: tuple[Tape, TensorTape]
    others: Mapping[str, tuple[Tape, TensorTape]]


def run_case(universes: Universes, fits: Fits, *, placebos: int = PLACEBOS) -> CaseResults:
    """Run everything of one case but the shuffles, which need records of their own."""
    terms = TradingTerms()
    judged = judge_universe(*universes.stocks, fits)
    volatility, hits = head_figures(judged, fits)
    main = play_panel(judged, "stocks", terms)
    return CaseResults(
        main=main,
        costs=tuple(
            play_panel(judged, "stocks", replace(terms, cost_bps=bps)) for bps in (2.0, 10.0)
        ),
        delayed=play_panel(judged, "one day later", replace(terms, delay=1), benchmarks=False),
        drift_neutral=play_panel(
            judged, "drift-neutral", terms, ahead=drift_neutral_returns(judged), benchmarks=False
        ),
        second_universe=play_panel(judge_universe(*universes.etfs, fits), "ETFs", terms),
        third_universe=play_panel(judge_universe(*universes.nyse, fits), "NYSE panel", terms),
        other_universes=tuple(
            play_panel(judge_universe(*pair, fits), name, terms)
            for name, pair in universes.others.items()
        ),
        placebo_gains=tuple(placebo_gains(judged, terms, placebos).tolist()),
        multiplier=multiplier_figures(judged, universes.stocks[1], fits),
        volatility=volatility,
        hits=hits,
    )
