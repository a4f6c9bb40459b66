"""The details of a multiplier's card, and what lies outside of them."""

import json
from typing import Any

import numpy as np
import pytest

from inference_server.errors import ModelRefused
from inference_server.model.card import ModelCard, parse_card
from inference_server.model.features import FEATURES
from inference_server.model.multiplier_details import (
    check_features,
    check_interval,
    feature_bounds,
    read_details,
)
from tests.inference_server.folders import CARD
from tests.inference_server.model.graphs import WIDTH, details


def card(**changes: Any) -> ModelCard:
    return parse_card(json.dumps(CARD | {"details": details(**changes)}).encode())


def test_details_are_read_as_they_are_written() -> None:
    trained = read_details(card(hit_slope=2, volatility_scale=0.9))
    assert trained.features == FEATURES
    assert (trained.hit_slope, trained.volatility_scale) == (2.0, 0.9)
    assert len(trained.low) == WIDTH


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"features": [*FEATURES[1:], FEATURES[0]]}, "details.features must be the features"),
        ({"features": list(FEATURES[1:])}, "details.features must be the features"),
        ({"features": "size"}, "details.features"),
        ({"low": [0.0]}, f"details.low must have {WIDTH} numbers, was 1"),
        ({"high": [0.0] * (WIDTH + 1)}, f"details.high must have {WIDTH} numbers"),
        ({"low": [200.0] * WIDTH}, "details.low of momentum_2 must be <= 100, was 200"),
        ({"low": ["0"] * WIDTH}, "details.low.0"),
        ({"hit_slope": None}, "details.hit_slope"),
        ({"hit_intercept": "0"}, "details.hit_intercept"),
        ({"volatility_scale": 0.0}, "details.volatility_scale"),
        ({"interval_sec_min": 0.0}, "details.interval_sec_min"),
        ({"interval_sec_max": 60.0}, "details.interval_sec_min must be <= 60, was 3600"),
        ({"margin": 0.5}, "details.margin"),
    ],
)
def test_details_that_are_not_right_are_refused_and_say_where(
    change: dict[str, Any], said: str
) -> None:
    with pytest.raises(ModelRefused) as refusal:
        read_details(card(**change))
    assert str(refusal.value).startswith("card.json: details")
    assert said in str(refusal.value)


@pytest.mark.parametrize("name", details())
def test_every_detail_is_needed(name: str) -> None:
    found = {key: value for key, value in details().items() if key != name}
    with pytest.raises(ModelRefused, match=rf"details\.{name}: Field required"):
        read_details(parse_card(json.dumps(CARD | {"details": found}).encode()))


def test_a_quarter_of_the_range_beyond_it_still_counts_as_known() -> None:
    bounds = feature_bounds(read_details(card(low=[-1.0] * WIDTH, high=[3.0] * WIDTH)))
    features = np.zeros((5, WIDTH), np.float32)
    features[:, 3] = (-2.0, 4.0, -2.01, 4.01, 0.0)
    features[4, [5, 7]] = (9.1, -9.0)
    assert check_features(features, bounds) == [
        None,
        None,
        f"outside the trained range: {FEATURES[3]} was -2.01, at least -2",
        f"outside the trained range: {FEATURES[3]} was 4.01, at most 4",
        f"outside the trained range: {FEATURES[5]} was 9.1, at most 4",
    ]


def test_a_feature_that_never_varied_must_be_what_it_was() -> None:
    same = [0.1] * WIDTH
    bounds = feature_bounds(read_details(card(low=same, high=same)))
    features = np.full((2, WIDTH), 0.1, np.float32)
    features[1, 0] = 0.11
    found = check_features(features, bounds)
    assert found[0] is None
    assert found[1] is not None


@pytest.mark.parametrize(
    ("interval_sec", "said"),
    [
        (None, None),
        (3600.0, None),
        (100_000.0, None),
        (60.0, "outside the trained interval: 60 s between returns, at least 3600"),
        (604_800.0, "outside the trained interval: 604800 s between returns, at most 100000"),
    ],
)
def test_a_series_of_another_pace_is_told_apart(
    interval_sec: float | None, said: str | None
) -> None:
    assert check_interval(interval_sec, read_details(card())) == said
