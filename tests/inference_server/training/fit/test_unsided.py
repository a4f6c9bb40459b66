"""What the forecasts see of a price does not depend on the side that somebody is on."""

import numpy as np
import pytest
import torch

from inference_server.model.book import Claims, book_of_arrays
from inference_server.model.features import FEATURES, WINDOW, build_features
from inference_server.training.fit.unsided import UNSIDED, unsided_features

# what tells of claims and of the book, not of prices
OF_THE_BOOK = {
    "size",
    "offset",
    "edge",
    "agreement",
    "confidence",
    "weight",
    "held",
    "held_squared",
    "relative_weight",
}


def sided(baseline: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Features of the same seven price paths under some baseline, and its sides."""
    rng = np.random.default_rng(4)
    count = len(baseline)
    returns = rng.normal(3e-4, 0.01, (count, WINDOW)).astype(np.float32).astype(np.float64)
    nothing = np.full((count, 1), np.nan)
    book = book_of_arrays(
        returns, baseline, np.zeros(count), Claims(nothing, nothing, nothing, nothing)
    )
    features, _ = build_features(book)
    return torch.from_numpy(features), torch.from_numpy(np.sign(baseline)).float()


@pytest.mark.parametrize("seed", range(5))
def test_a_short_baseline_leaves_the_plain_features_as_they_are(seed: int) -> None:
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], 7)
    size = np.full(7, 0.05)
    long, _ = sided(size)
    mixed, side = sided(size * signs)
    columns = [FEATURES.index(name) for name in UNSIDED]
    np.testing.assert_allclose(unsided_features(long, torch.ones(7)), long[:, columns], atol=0.0)
    np.testing.assert_allclose(unsided_features(mixed, side), long[:, columns], atol=2e-5)
    # the sides were not the same to begin with
    assert bool((mixed[:, columns] != long[:, columns]).any()) == bool((signs < 0.0).any())


def test_every_feature_of_prices_is_among_them() -> None:
    assert set(UNSIDED) == set(FEATURES) - OF_THE_BOOK
    assert len(set(UNSIDED)) == len(UNSIDED)
