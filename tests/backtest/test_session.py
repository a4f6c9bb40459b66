"""Policies on the same days, from the past only, with and without RL."""

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.backtest.options import POLICIES, BacktestOptions, OptionRefused
from app.backtest.report import format_table, results_json
from app.backtest.results import Results, find_results, multiplier_band
from app.backtest.session import Backtest, Played
from app.backtest.sizer import Sizer
from app.backtest.tape import Tape, TooFewDays
from app.core.types import PolicyInput, Prediction
from app.history.prices import PricePanel
from app.history.quality import measure_quality
from app.settings import Settings
from tests.backtest.panels import gappy, with_prices
from tests.fakes import FakePolicyClient
from tests.history.panels import random_walk

PANEL = random_walk(420, 4)
PLAIN = BacktestOptions(prices=Path("prices.csv"), json_path=Path("out.json"))
FALLBACK = POLICIES[:4]


def play(name: str, options: BacktestOptions, panel: PricePanel) -> Played:
    one, why_not = Backtest(Tape(panel), options, Settings()).play(name)
    assert one is not None, why_not
    return one


@cache
def played(name: str, options: BacktestOptions = PLAIN) -> Played:
    return play(name, options, PANEL)


@pytest.mark.parametrize("name", FALLBACK)
@pytest.mark.parametrize("short", [False, True], ids=["long_flat", "long_short"])
def test_prices_after_a_day_change_nothing_held_up_to_it(name: str, *, short: bool) -> None:
    changed = PANEL.closes.copy()
    changed[351:] *= np.linspace(0.5, 2.0, 69)[:, np.newaxis]
    options = replace(PLAIN, short=short)
    before = played(name, options).run
    after = play(name, options, with_prices(PANEL, changed)).run
    known = 350 - before.rows.start + 1
    np.testing.assert_array_equal(before.weights[:known], after.weights[:known])
    np.testing.assert_array_equal(before.traded_usd[:known], after.traded_usd[:known])
    assert (before.weights[known + 5] != after.weights[known + 5]).any()


def test_all_policies_are_counted_on_the_same_days_from_the_first_aim_on() -> None:
    runs = [played(name).run for name in FALLBACK]
    assert len({run.rows for run in runs}) == 1
    assert {run.equity_usd[0] for run in runs} == {100_000.0}
    kelly = runs[2]
    assert kelly.weights[0].any()
    assert kelly.rows.stop == len(PANEL.dates) - 1


def test_kelly_goes_to_its_target_at_once_and_kelly_smoothed_a_part_of_the_way() -> None:
    at_once, slowly = played("kelly").run, played("kelly_smoothed").run
    np.testing.assert_allclose(slowly.weights[0], 2 / 11 * at_once.weights[0], rtol=5e-4)
    assert slowly.turnover.mean() < 0.5 * at_once.turnover.mean()


def test_short_lets_the_pipeline_but_never_a_benchmark_be_short() -> None:
    options = replace(PLAIN, short=True)
    assert (played("kelly", options).run.weights < 0.0).any()
    assert not (played("kelly").run.weights < 0.0).any()
    assert not (played("vol_target", options).run.weights < 0.0).any()


def test_delay_and_cost_change_the_figures_they_should() -> None:
    plain, late = played("kelly"), played("kelly", replace(PLAIN, delay=1))
    free = played("kelly", replace(PLAIN, cost_bps=0.0))
    assert late.run.traded_usd[0] == 0.0
    assert late.run.returns.tolist() != plain.run.returns.tolist()
    assert not free.run.cost_pct.any()
    assert free.run.equity_usd[-1] > plain.run.equity_usd[-1]


def test_a_window_shows_the_days_of_the_whole_run_with_the_same_returns() -> None:
    whole = played("kelly_smoothed").run
    start, end = (
        date.fromisoformat(str(PANEL.dates[300])),
        date.fromisoformat(str(PANEL.dates[380])),
    )
    window = played("kelly_smoothed", replace(PLAIN, start=start, end=end)).run
    assert window.rows == range(300, 381)
    skip = 300 - whole.rows.start
    np.testing.assert_allclose(window.returns, whole.returns[skip : skip + 81], atol=1e-15)


def test_a_window_of_few_days_is_refused() -> None:
    start = date.fromisoformat(str(PANEL.dates[390]))
    with pytest.raises(TooFewDays, match="at least 60 days with signals in the window, had 29"):
        Backtest(Tape(PANEL), replace(PLAIN, start=start), Settings())


def test_without_outcomes_the_claims_alone_size() -> None:
    learning, deaf = played("kelly"), played("kelly", replace(PLAIN, outcomes=False))
    assert learning.run.rows != deaf.run.rows


def test_missing_prices_leave_finite_figures() -> None:
    panel = gappy(500)
    results = results_of(Backtest(Tape(panel), PLAIN, Settings()), *FALLBACK)
    for figures in results.figures.values():
        assert figures.n_days == len(results.dates) - 1
        assert np.isfinite([figures.total_return, figures.turnover_per_year]).all()


# -- a learned policy in the pipeline ------------------------------------------------------------


async def half(inputs: Any) -> tuple[Prediction | None, ...]:
    return tuple(half_of(row) for row in inputs)


def half_of(row: PolicyInput) -> Prediction:
    return Prediction(0.5 * row.baseline_pct, 1.0, 0.0, 0.01, "half-1")


def learned(backtest: Backtest, client: FakePolicyClient) -> Played:
    return backtest.play_sizer("rl", Sizer(backtest.params, client))


def results_of(backtest: Backtest, *names: str, **more: Played) -> Results:
    runs = {name: backtest.play(name)[0] for name in names}
    found = {name: run for name, run in runs.items() if run is not None} | more
    rows = backtest.rows
    dates = backtest.tape.panel.dates[rows.start : rows.stop + 1]
    quality = measure_quality(backtest.tape.panel)
    return find_results(dates, backtest.periods, found, {}, quality)


def test_a_policy_that_halves_every_weight_has_multiplier_one_half() -> None:
    backtest = Backtest(Tape(PANEL), PLAIN, Settings())
    halved = learned(backtest, FakePolicyClient(script=half))
    band = multiplier_band(halved)
    assert band is not None
    np.testing.assert_allclose(band[np.isfinite(band)], 0.5, rtol=1e-9)
    full = played("kelly_smoothed").run
    assert np.abs(halved.run.weights).sum() < 0.6 * np.abs(full.weights).sum()
    assert halved.sizer is not None
    assert halved.sizer.model_versions == {"half-1"}


def test_a_policy_that_answers_the_baseline_is_smoothed_kelly_to_the_last_bit() -> None:
    async def same(inputs: Any) -> tuple[Prediction | None, ...]:
        return tuple(Prediction(row.baseline_pct, 0.7, 0.0, 0.01, "same-1") for row in inputs)

    backtest = Backtest(Tape(PANEL), PLAIN, Settings())
    ours = learned(backtest, FakePolicyClient(script=same))
    results = results_of(backtest, "kelly_smoothed", rl=ours)
    assert ours.run.equity_usd.tolist() == results.played["kelly_smoothed"].run.equity_usd.tolist()
    gain = results.gains["rl"]
    assert (gain.sharpe_gain, gain.ci_low, gain.ci_high) == (0.0, 0.0, 0.0)


def test_decisions_that_fell_back_are_told() -> None:
    backtest = Backtest(Tape(PANEL), PLAIN, Settings())
    silent = learned(backtest, FakePolicyClient(answer=None))
    results = results_of(backtest, "kelly_smoothed", rl=silent)
    days = len(backtest.rows)
    assert results.notes["rl"].startswith(f"{days} of {days} decisions were Phase 2's own: ")
    body = results_json(results, PLAIN, backtest.params)
    assert sum(body["rl"]["decisions"].values()) == days
    assert "rl" not in body["rl"]["decisions"]
    assert results.notes["rl"] in format_table(results, PLAIN)


def test_without_smoothed_kelly_a_gain_is_null_with_a_reason() -> None:
    backtest = Backtest(Tape(PANEL), PLAIN, Settings())
    results = results_of(backtest, rl=learned(backtest, FakePolicyClient(script=half)))
    body = results_json(results, PLAIN, backtest.params)
    assert body["rl"]["sharpe_gain"] is None
    assert body["notes"]["rl"] == "no gain: kelly_smoothed was not played"


def test_years_and_folds_cover_every_day_once() -> None:
    backtest = Backtest(Tape(random_walk(900, 3)), PLAIN, Settings())
    results = results_of(backtest, "equal_weight")
    days = len(backtest.rows)
    for spans in (results.years, results.folds):
        assert sum(span.figures["equal_weight"].n_days for span in spans) == days
    assert [span.name for span in results.years] == ["2018", "2019", "2020"]
    whole = np.prod([1.0 + span.figures["equal_weight"].total_return for span in results.folds])
    assert whole - 1.0 == pytest.approx(results.figures["equal_weight"].total_return)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mode": "mock"}, "--mode must be fallback or rl, was mock"),
        ({"delay": 2}, "--delay must be 0 or 1, was 2"),
        ({"span": 0.5}, "--span must be finite and >= 1, was 0.5"),
        ({"span": -1.0}, "--span must be finite and >= 1, was -1"),
        ({"span": float("inf")}, "--span must be finite and >= 1, was inf"),
        ({"span": float("nan")}, "--span must be finite and >= 1, was nan"),
        ({"cost_bps": float("nan")}, "--cost-bps must be >= 0 and < 10000, was nan"),
        (
            {"portfolio_value_usd": float("inf")},
            "--portfolio-value must be finite and > 0, was inf",
        ),
        ({"cost_bps": -1.0}, "--cost-bps must be >= 0 and < 10000, was -1"),
        ({"portfolio_value_usd": 0.0}, "--portfolio-value must be finite and > 0, was 0.0"),
        ({"only": ("kely",)}, "--only must name .*, was kely"),
        ({"only": ("rl",)}, "--mode fallback plays none of rl"),
        ({"inference_url": "http://127.0.0.1:1/predict"}, "--inference-url needs --mode rl"),
        ({"start": date(2020, 1, 2), "end": date(2020, 1, 1)}, "--start must not be after --end"),
    ],
)
def test_options_that_mean_nothing_are_refused(changes: dict[str, Any], sentence: str) -> None:
    given = {"prices": Path("p.csv"), "json_path": Path("o.json")}
    with pytest.raises(OptionRefused, match=sentence):
        BacktestOptions(**{**given, **changes})
