"""Features: recomputed one by one, mirrored, scaled, and never anything but numbers."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_server.model.book import gather_book
from inference_server.model.features import (
    CHANNELS,
    FEATURES,
    MIN_NEIGHBOURS,
    NEIGHBOURS,
    STEPS,
    Book,
    build_features,
)
from tests.inference_server.model.books import market, mirrored


def book(seed: int, symbols: int) -> Book:
    return gather_book(market(seed, symbols, 2)).book


def named(features: Any) -> dict[str, Any]:
    return dict(zip(FEATURES, features.T, strict=True))


def sigmas(returns: Any) -> list[float]:
    """EWMA volatility as of each day, one day after the other."""
    variance, weight, found = 0.0, 0.0, []
    for each in returns:
        variance, weight = 0.94 * variance + 0.06 * each * each, 0.94 * weight + 0.06
        found.append((variance / weight) ** 0.5)
    return found


def test_there_is_one_column_a_name_and_one_row_a_symbol() -> None:
    features, path = build_features(book(1, 7))
    assert (features.shape, path.shape) == ((7, len(FEATURES)), (7, STEPS, len(CHANNELS)))
    assert {features.dtype, path.dtype} == {np.dtype(np.float32)}
    assert len(set(FEATURES)) == len(FEATURES)


@pytest.mark.parametrize("seed", range(4))
def test_features_are_what_their_names_say(seed: int) -> None:
    asked = book(seed, 1)
    found, path = (array[0] for array in build_features(asked))
    side = -1.0 if asked.baseline[0] < 0 else 1.0
    returns = asked.returns[0]
    sided, sigma = returns * side, sigmas(returns)
    value = dict(zip(FEATURES, found.tolist(), strict=True))

    def momentum(day: int, span: int) -> float:
        return float(np.clip(sum(sided[day - span : day]) / (sigma[day - 1] * span**0.5), -4, 4))

    assert value["momentum_20"] == pytest.approx(momentum(256, 20) / 1.5, rel=1e-5)
    assert value["momentum_250"] == pytest.approx(momentum(256, 250) / 1.5, rel=1e-5)
    scores = [np.clip(momentum(day, 60), -2, 2) for day in range(137, 257)]
    assert value["persistence_60_120"] == pytest.approx(np.mean(scores), rel=1e-5)
    worth = np.concatenate([[0.0], np.cumsum(sided)])[-250:]
    scale = np.sqrt(np.mean(np.square(sided[-250:])) * 250)
    assert value["below_peak_250"] == pytest.approx(
        2 * max((worth[-1] - max(worth)) / scale, -3.0) + 1, rel=1e-5
    )
    third = np.mean(sided[-60:] ** 3) / np.mean(sided[-60:] ** 2) ** 1.5
    assert value["skewness_60"] == pytest.approx(np.clip(third, -3, 3), rel=1e-4)
    assert path[-1, 0] == pytest.approx(np.clip(sided[-1] / sigma[-2], -5, 5) / 2, rel=1e-5)
    assert path[-1, 2] == pytest.approx(0.0, abs=1e-6)
    assert path[0, 4] == pytest.approx(momentum(193, 60) / 1.5, rel=1e-5)


def test_neighbours_are_compared_from_five_of_them_on() -> None:
    few, _ = build_features(book(2, MIN_NEIGHBOURS - 1))
    many, _ = build_features(book(2, MIN_NEIGHBOURS))
    own = len(FEATURES) - len(NEIGHBOURS)
    assert not few[:, own:].any()
    assert (np.abs(many[:, own:]).sum(axis=0) > 0).all()
    np.testing.assert_array_equal(many[: len(few), :own], few[:, :own])


def test_a_cross_section_is_relative_to_the_neighbours() -> None:
    asked = book(3, 9)
    found = named(build_features(asked)[0])
    # momentum was divided by 1.5 on its way out
    plain = found["momentum_60"].astype(np.float64) * 1.5 * asked.side
    expected = (plain - plain.mean()) / (plain.std() + 0.3) * asked.side
    np.testing.assert_allclose(found["cross_section_60"], expected, rtol=1e-4, atol=1e-6)


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), symbols=st.integers(1, 8))
def test_mirrored_prices_and_positions_give_exactly_the_same_features(
    seed: int, symbols: int
) -> None:
    rows = market(seed, symbols, 2)
    here = build_features(gather_book(rows).book)
    there = build_features(gather_book([mirrored(asked) for asked in rows]).book)
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(one, other)


def test_features_are_free_of_the_scale_of_prices() -> None:
    asked = book(4, 6)
    columns = {each.name: getattr(asked, each.name) for each in fields(asked)}
    wild = Book(**(columns | {"returns": asked.returns * 5.0}))
    for one, other in zip(build_features(asked), build_features(wild), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


extreme = st.sampled_from([0.0, -1.0, 1e-30, -1e-30, 3e38, 1e-9, 0.01])


@settings(deadline=None)
@given(
    moves=st.lists(extreme, min_size=6, max_size=6),
    claim=st.sampled_from([0.0, 1e-300, 1e300, np.inf]),
    current=st.sampled_from([0.0, 1e308, -1e308]),
    symbols=st.sampled_from([1, 6]),
)
def test_whatever_goes_in_numbers_come_out(
    moves: list[float], claim: float, current: float, symbols: int
) -> None:
    rng = np.random.default_rng(len(moves))
    returns = rng.choice(np.array(moves), (symbols, 256))
    baseline = rng.choice([-1e-12, 0.0, 1.0], symbols)
    filled = Book(
        returns=returns,
        baseline=baseline,
        current=np.full(symbols, current),
        long_size=np.full(symbols, claim),
        short_size=np.full(symbols, claim),
        edge=np.full(symbols, claim),
        agreement=np.zeros(symbols),
        confidence=np.ones(symbols),
    )
    for built in build_features(filled):
        assert np.isfinite(built).all()
