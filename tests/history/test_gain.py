"""The gain and its interval."""

import sys

import numpy as np
import pytest

from app.history.gain import (
    BootstrapMissing,
    SharpeGain,
    require_bootstrap,
    sharpe,
    sharpe_gain,
)

RNG = np.random.default_rng(5)
MARKET = RNG.normal(2e-4, 0.01, 1500)
BETTER = MARKET + RNG.normal(6e-4, 0.004, 1500)


def test_a_series_gains_nothing_over_itself() -> None:
    assert sharpe_gain(MARKET, MARKET, 252.0) == SharpeGain(0.0, 0.0, 0.0, 1500)


def test_the_gain_is_the_difference_of_sharpe_ratios_inside_its_interval() -> None:
    gain = sharpe_gain(BETTER, MARKET, 252.0)
    assert gain is not None
    ours, theirs = sharpe(BETTER, 252.0), sharpe(MARKET, 252.0)
    assert ours is not None
    assert theirs is not None
    assert gain.sharpe_gain == pytest.approx(ours - theirs)
    assert 0.0 < gain.ci_low < gain.sharpe_gain < gain.ci_high
    assert gain.n_days == 1500


def test_the_interval_is_as_wide_as_theory_says() -> None:
    gain = sharpe_gain(BETTER, MARKET, 252.0)
    assert gain is not None
    # Jobson and Korkie (1981) with Memmel's (2003) correction, for independent normal returns
    rho = np.corrcoef(BETTER, MARKET)[0, 1]
    a, b = BETTER.mean() / BETTER.std(), MARKET.mean() / MARKET.std()
    variance = (2 - 2 * rho + 0.5 * (a**2 + b**2 - 2 * a * b * rho**2)) / 1500
    expected = 2 * 1.96 * np.sqrt(252 * variance)
    assert gain.ci_high - gain.ci_low == pytest.approx(expected, rel=0.15)


def test_pairing_makes_the_interval_narrower_than_shuffled_days() -> None:
    paired = sharpe_gain(BETTER, MARKET, 252.0)
    unpaired = sharpe_gain(np.random.default_rng(1).permutation(BETTER), MARKET, 252.0)
    assert paired is not None
    assert unpaired is not None
    assert paired.ci_high - paired.ci_low < 0.6 * (unpaired.ci_high - unpaired.ci_low)


def test_the_draws_are_seeded() -> None:
    assert sharpe_gain(BETTER, MARKET, 252.0) == sharpe_gain(BETTER, MARKET, 252.0)


def test_a_series_that_never_varies_has_no_gain() -> None:
    assert sharpe_gain(np.zeros(100), MARKET[:100], 252.0) is None


def test_a_missing_bootstrap_package_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "arch", None)
    with pytest.raises(BootstrapMissing, match="pip install arch"):
        require_bootstrap()
