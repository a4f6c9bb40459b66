"""The comparison of the policy with Phase 2: running moments, paired bootstrap, persistence."""

import json
import math
import statistics
import time
import tracemalloc

import numpy as np
import pytest
from arch.bootstrap import StationaryBootstrap
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.params import PerformanceParams
from app.core.performance import OUTCOMES_KEPT, PerformanceLedger, stationary_bootstrap_means
from app.core.types import FloatArray

PARAMS = PerformanceParams()
QUICK = PerformanceParams(draws=300, min_pairs=2)
RETURNS = st.floats(-0.5, 0.5, allow_nan=False)


def ledger_of(
    differences: FloatArray | list[float], params: PerformanceParams
) -> PerformanceLedger:
    ledger = PerformanceLedger(params)
    for index, difference in enumerate(differences):
        ledger.add_paired(f"decision-{index}", float(difference))
    return ledger


def persistent_sample(n: int, seed: int) -> FloatArray:
    """Draw an AR(1) with coefficient 0.5, so that blocks matter."""
    shocks = np.random.default_rng(seed).normal(0.001, 0.01, size=n)
    sample = np.empty(n)
    sample[0] = shocks[0]
    for index in range(1, n):
        sample[index] = 0.5 * sample[index - 1] + shocks[index]
    return sample


def test_without_trades_every_mean_is_zero_and_the_note_says_what_is_missing() -> None:
    report = PerformanceLedger(PARAMS).report()
    empty = {"trades": 0, "mean_return": 0.0, "std_return": 0.0, "sharpe": 0.0}
    assert report["rl"] == empty
    assert report["baseline"] == empty
    assert report["rl_advantage"] == 0.0
    assert report["paired"] == {
        "n": 0,
        "mean_difference": None,
        "ci_low": None,
        "ci_high": None,
        "probability_rl_better": None,
    }
    assert "needs 20 decisions with outcomes and has 0" in report["note"]


def test_the_guides_two_outcomes_give_the_guides_advantage() -> None:
    ledger = PerformanceLedger(PARAMS)
    ledger.add_unpaired(0.05, used_rl=True)
    ledger.add_unpaired(0.03, used_rl=False)
    report = ledger.report()
    assert report["rl"] == {"trades": 1, "mean_return": 0.05, "std_return": 0.0, "sharpe": 0.0}
    assert report["baseline"]["mean_return"] == 0.03
    assert report["rl_advantage"] == pytest.approx(0.02)


@given(st.lists(RETURNS, min_size=2, max_size=50))
def test_running_moments_are_those_of_the_whole_list(returns: list[float]) -> None:
    ledger = PerformanceLedger(PARAMS)
    for value in returns:
        ledger.add_unpaired(value, used_rl=True)
    rl = ledger.report()["rl"]
    assert rl["trades"] == len(returns)
    assert rl["mean_return"] == pytest.approx(statistics.fmean(returns), abs=1e-12)
    assert rl["std_return"] == pytest.approx(statistics.stdev(returns), abs=1e-9)
    if rl["std_return"] > 1e-6:
        assert rl["sharpe"] == pytest.approx(rl["mean_return"] / rl["std_return"])


def test_equal_returns_have_no_spread_and_a_sharpe_of_zero() -> None:
    ledger = PerformanceLedger(PARAMS)
    for _ in range(7):
        ledger.add_unpaired(0.1, used_rl=False)
    assert ledger.report()["baseline"]["std_return"] == 0.0
    assert ledger.report()["baseline"]["sharpe"] == 0.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_return_that_is_not_finite_is_refused_by_name(value: float) -> None:
    ledger = PerformanceLedger(PARAMS)
    with pytest.raises(ValueError, match=f"trade_return must be finite, was {value!r}"):
        ledger.add_unpaired(value, used_rl=True)
    with pytest.raises(ValueError, match=f"difference must be finite, was {value!r}"):
        ledger.add_paired("d", value)
    assert ledger.report()["rl"]["trades"] == 0
    assert ledger.report()["paired"]["n"] == 0


def test_absurd_but_finite_returns_leave_a_finite_report() -> None:
    ledger = PerformanceLedger(QUICK)
    for index, value in enumerate([1.7e308, -1.7e308, 1.7e308, 1e300]):
        ledger.add_unpaired(value, used_rl=True)
        ledger.add_paired(str(index), value)
    json.dumps(ledger.report(), allow_nan=False)


def test_paired_values_stay_null_one_decision_short_and_appear_with_the_next() -> None:
    ledger = ledger_of([0.01] * 19, PARAMS)
    assert ledger.report()["paired"]["probability_rl_better"] is None
    ledger.add_paired("decision-19", 0.01)
    report = ledger.report()
    assert report["note"] is None
    assert report["paired"] == {
        "n": 20,
        "mean_difference": pytest.approx(0.01),
        "ci_low": pytest.approx(0.01),
        "ci_high": pytest.approx(0.01),
        "probability_rl_better": 1.0,
    }


def test_outcomes_of_one_decision_add_up_in_the_place_of_the_first() -> None:
    ledger = PerformanceLedger(PARAMS)
    for key, difference in [("a", 0.25), ("b", 0.5), ("a", 0.125)]:
        ledger.add_paired(key, difference)
    assert ledger.export()["paired"] == [["a", 0.375], ["b", 0.5]]


def test_only_the_last_decisions_of_the_window_count() -> None:
    params = PerformanceParams(window=30, draws=100)
    ledger = ledger_of([1.0] * 10 + [0.0] * 30, params)
    paired = ledger.report()["paired"]
    assert paired["n"] == 30
    assert paired["mean_difference"] == 0.0
    assert paired["probability_rl_better"] == 0.5


def test_the_same_data_give_the_same_report_and_another_seed_another_one() -> None:
    sample = persistent_sample(200, seed=1)
    report = ledger_of(sample, PARAMS).report()
    assert ledger_of(sample, PARAMS).report() == report
    assert ledger_of(sample, PerformanceParams(seed=7)).report() != report


def test_a_report_follows_new_data_and_cannot_be_spoilt_by_its_reader() -> None:
    ledger = ledger_of([0.01, 0.02, 0.03], QUICK)
    before = ledger.report()
    before["paired"]["n"] = 99
    assert ledger.report()["paired"]["n"] == 3
    ledger.add_paired("late", -1.0)
    assert ledger.report()["paired"]["mean_difference"] == pytest.approx(-0.235)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), RETURNS), max_size=40),
    st.lists(st.tuples(RETURNS, st.booleans()), max_size=20),
)
def test_a_ledger_survives_json_exactly(
    pairs: list[tuple[int, float]], trades: list[tuple[float, bool]]
) -> None:
    ledger = PerformanceLedger(QUICK)
    for key, difference in pairs:
        ledger.add_paired(str(key), difference)
    for value, used_rl in trades:
        ledger.add_unpaired(value, used_rl=used_rl)
    again = PerformanceLedger(QUICK)
    again.restore(json.loads(json.dumps(ledger.export(), allow_nan=False)))
    for each in (ledger, again):
        each.add_paired("3", 0.01)
        each.add_unpaired(0.2, used_rl=True)
    assert again.export() == ledger.export()
    assert again.report() == ledger.report()


@settings(max_examples=40, deadline=None)
@given(st.lists(RETURNS, min_size=2, max_size=60))
def test_flipping_every_sign_mirrors_the_interval_and_the_probability(sample: list[float]) -> None:
    paired = ledger_of(sample, QUICK).report()["paired"]
    mirrored = ledger_of([-value for value in sample], QUICK).report()["paired"]
    assert mirrored["mean_difference"] == -paired["mean_difference"]
    assert mirrored["ci_low"] == pytest.approx(-paired["ci_high"], abs=1e-12)
    assert mirrored["ci_high"] == pytest.approx(-paired["ci_low"], abs=1e-12)
    assert mirrored["probability_rl_better"] == pytest.approx(
        1.0 - paired["probability_rl_better"], abs=1e-12
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(RETURNS, min_size=2, max_size=60), st.floats(1.0, 40.0))
def test_every_resampled_mean_lies_within_the_sample(sample: list[float], block: float) -> None:
    params = PerformanceParams(draws=100, mean_block=block)
    means = stationary_bootstrap_means(np.array(sample), params)
    assert means.shape == (100,)
    assert means.min() >= min(sample) - 1e-9
    assert means.max() <= max(sample) + 1e-9


@settings(max_examples=40, deadline=None)
@given(st.lists(RETURNS, min_size=2, max_size=40), st.floats(0.01, 100.0))
def test_the_interval_scales_with_the_differences(sample: list[float], factor: float) -> None:
    paired = ledger_of(sample, QUICK).report()["paired"]
    scaled = ledger_of([factor * value for value in sample], QUICK).report()["paired"]
    assert scaled["ci_low"] == pytest.approx(factor * paired["ci_low"], rel=1e-6, abs=1e-9)
    assert scaled["ci_high"] == pytest.approx(factor * paired["ci_high"], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(("n", "block"), [(60, 10), (400, 10), (400, 1), (150, 40)])
def test_the_interval_is_that_of_an_independent_stationary_bootstrap(n: int, block: int) -> None:
    sample = persistent_sample(n, seed=n)
    params = PerformanceParams(draws=20_000, mean_block=block)
    means = stationary_bootstrap_means(sample, params)
    judge = StationaryBootstrap(block, sample, seed=np.random.default_rng(3))
    expected = judge.apply(np.mean, 3000)[:, 0]
    spread = expected.std()
    assert means.mean() == pytest.approx(expected.mean(), abs=0.1 * spread)
    assert means.std() == pytest.approx(spread, rel=0.06)
    # 3,000 draws know an end of the interval to 0.05 spreads and a quartile to 0.025.
    for level, error in ((0.025, 0.2), (0.25, 0.1), (0.5, 0.1), (0.75, 0.1), (0.975, 0.2)):
        assert np.quantile(means, level) == pytest.approx(
            np.quantile(expected, level), abs=error * spread
        )


def test_the_spread_is_that_of_the_closed_form_of_politis_and_romano() -> None:
    # Their equation (4): n var = c(0) + 2 sum b(i) c(i) with circular autocovariances c and
    # weights b(i) = (1 - i/n)(1 - p)^i + (i/n)(1 - p)^(n-i), here summed over all lags once.
    n, block = 300, 8.0
    sample = persistent_sample(n, seed=5)
    keep = 1.0 - 1.0 / block
    centred = sample - sample.mean()
    covariance = [float(centred @ np.roll(centred, -lag)) / n for lag in range(n)]
    variance = covariance[0] + 2.0 * sum(
        (1.0 - lag / n) * keep**lag * covariance[lag] for lag in range(1, n)
    )
    means = stationary_bootstrap_means(sample, PerformanceParams(draws=40_000, mean_block=block))
    assert means.var() * n == pytest.approx(variance, rel=0.03)


def test_block_lengths_are_geometric() -> None:
    # +1 at one place and -1 at the next: within a block they cancel, so a resample's sum counts
    # the block edges between the two, signed. Between two draws in a row an edge comes with
    # probability p and does not happen to rejoin with 1 - 1/n; the resample's own end is one more.
    n, block, draws = 100, 5.0, 20_000
    sample = np.zeros(n)
    sample[40], sample[41] = 1.0, -1.0
    params = PerformanceParams(draws=draws, mean_block=block)
    edges = stationary_bootstrap_means(sample, params) * n
    np.testing.assert_allclose(edges, np.round(edges), atol=1e-9)
    expected = 2.0 * ((n - 1) / n * (1.0 / block) * (1.0 - 1.0 / n) + 1.0 / n)
    assert np.square(edges).mean() == pytest.approx(expected, rel=0.05)


def test_the_interval_covers_the_truth_of_independent_normals_at_its_level() -> None:
    params = PerformanceParams(draws=400, mean_block=1.0)
    covered = 0
    for seed in range(300):
        sample = np.random.default_rng(seed).normal(0.002, 0.02, size=150)
        paired = ledger_of(sample, params).report()["paired"]
        covered += paired["ci_low"] <= 0.002 <= paired["ci_high"]
    assert 0.91 <= covered / 300 <= 0.98


def test_without_any_difference_both_sides_are_as_likely_to_be_better() -> None:
    paired = ledger_of([0.0] * 25, PARAMS).report()["paired"]
    assert paired["probability_rl_better"] == 0.5
    assert paired["ci_low"] == paired["ci_high"] == 0.0


def test_a_full_window_is_compared_within_its_time_and_once() -> None:
    ledger = ledger_of(persistent_sample(5000, seed=2), PARAMS)
    started = time.process_time()
    ledger.report()
    first = time.process_time() - started
    ledger.report()
    assert first < 0.3
    assert time.process_time() - started - first < 0.01


@pytest.mark.parametrize("block", [1.0, 10.0])
def test_a_full_window_is_compared_in_less_than_100_mb(block: float) -> None:
    sample = persistent_sample(5000, seed=2)
    tracemalloc.start()
    stationary_bootstrap_means(sample, PerformanceParams(mean_block=block))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6


def test_both_returns_of_a_decision_add_up_over_its_symbols_and_leave_with_it() -> None:
    ledger = PerformanceLedger(PerformanceParams(window=20))
    ledger.add_paired("a", 0.25, 0.5)
    ledger.add_paired("a", 0.125, -1.0)
    ledger.add_paired("b", -0.5)
    assert ledger.paired_returns() == [(-0.125, -0.5), (-0.5, 0.0)]
    for number in range(19):
        ledger.add_paired(str(number), 0.0, 1.0)
    assert ledger.paired_returns()[0] == (-0.5, 0.0)
    assert len(ledger.export()["paired_baseline"]) == 20


def test_both_returns_survive() -> None:
    ledger = PerformanceLedger(PerformanceParams())
    ledger.add_paired("a", 0.25, 0.5)
    again = PerformanceLedger(PerformanceParams())
    again.restore(json.loads(json.dumps(ledger.export())))
    assert again.paired_returns() == ledger.paired_returns() == [(0.75, 0.5)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), RETURNS, st.booleans()), min_size=1), st.data())
def test_a_withdrawn_outcome_is_to_the_last_bit_as_if_it_had_not_been(
    outcomes: list[tuple[int, float, bool]], data: st.DataObject
) -> None:
    gone = data.draw(st.integers(0, len(outcomes) - 1))
    whole, without = PerformanceLedger(QUICK), PerformanceLedger(QUICK)
    for place, (decision, value, used_rl) in enumerate(outcomes):
        for ledger in (whole, without) if place != gone else (whole,):
            origin = (str(decision), f"S{place}")
            ledger.add_unpaired(value, used_rl=used_rl, origin=origin)
            ledger.add_paired(origin[0], value, -value, origin[1])
    assert whole.withdraw(str(outcomes[gone][0]), f"S{gone}")
    assert whole.report()["rl"] == without.report()["rl"]
    assert whole.report()["baseline"] == without.report()["baseline"]
    assert whole.paired_returns() == without.paired_returns()
    assert not whole.withdraw(str(outcomes[gone][0]), f"S{gone}")


def test_outcomes_beyond_those_kept_count_and_cannot_be_withdrawn() -> None:
    ledger = PerformanceLedger(PARAMS)
    for step in range(OUTCOMES_KEPT + 1):
        ledger.add_unpaired(0.01 * (step % 3), used_rl=True, origin=(f"d{step}", "V"))
        ledger.add_paired(f"d{step}", 0.01, 0.0, "V")
    assert not ledger.withdraw("d0", "V")
    assert ledger.report()["rl"]["trades"] == OUTCOMES_KEPT + 1
    assert ledger.withdraw("d1", "V")
    assert ledger.report()["rl"]["trades"] == OUTCOMES_KEPT
    assert ledger.report()["paired"]["n"] == OUTCOMES_KEPT


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_baseline_return_that_is_not_finite_is_refused_and_changes_nothing(value: float) -> None:
    ledger = PerformanceLedger(PerformanceParams())
    with pytest.raises(ValueError, match="baseline_return must be finite"):
        ledger.add_paired("a", 0.1, value)
    assert ledger.paired_returns() == []
