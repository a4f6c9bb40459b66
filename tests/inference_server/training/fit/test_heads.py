"""The forecasts find what is there to be found, and nothing where there is nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from inference_server.model.features import FEATURES
from inference_server.training.fit.fit import TrainingBook
from inference_server.training.fit.heads import HeadParams, fit_rise, fit_volatility
from inference_server.training.fit.unsided import UNSIDED, unsided_features
from inference_server.training.play.served_torch import to_tensors
from inference_server.training.play.tape import Tape
from tests.inference_server.training.fits import made_up

PARAMS = HeadParams(hidden=8, seeds=2, epochs=40.0, batch=256, weight_decay=0.1)
KNOWN = UNSIDED.index("volatility_5_60")


def book_of(tape: Tape) -> tuple[Tape, TrainingBook]:
    return tape, TrainingBook(to_tensors(tape), 0, len(tape.dates), 1.0)


@pytest.fixture(scope="module")
def noise() -> Tape:
    return made_up("noise", "2000-01-03", 1200)[0]


def column(tape: Tape, name: str) -> np.ndarray:
    return tape.features[:, :, FEATURES.index(name)].astype(np.float64)


def answers(model: torch.nn.Module, tape: Tape) -> np.ndarray:
    plain = unsided_features(
        torch.from_numpy(tape.features), torch.from_numpy(np.sign(tape.baseline)).float()
    )
    with torch.no_grad():
        return np.asarray(model(plain).double().numpy())


def test_a_correction_of_volatility_that_bends_is_found(noise: Tape) -> None:
    known = column(noise, "volatility_5_60")
    truth = 0.2 * np.square(known)
    rng = np.random.default_rng(5)
    drawn = rng.gamma(50.0, 0.02, known.shape)
    tape = replace(noise, squares=noise.ewma * np.exp(2.0 * truth) * drawn)
    found = answers(fit_volatility([book_of(tape)], PARAMS), tape)
    error = float(np.sqrt(np.mean((found - truth) ** 2)))
    # better than the best straight line, which knows the truth
    line = np.polynomial.Polynomial.fit(known.ravel(), truth.ravel(), 1)
    assert error < 0.3 * float(np.sqrt(np.mean((line(known) - truth) ** 2)))


def test_a_rise_that_follows_a_feature_is_found_from_either_side(noise: Tape) -> None:
    plain = unsided_features(
        torch.from_numpy(noise.features), torch.from_numpy(np.sign(noise.baseline)).float()
    ).numpy()
    logit = 1.5 * plain[:, :, KNOWN]
    rng = np.random.default_rng(6)
    rises = rng.uniform(size=logit.shape) < 1.0 / (1.0 + np.exp(-logit))
    tape = replace(noise, ahead=np.where(rises, 0.01, -0.01))
    model = fit_rise([book_of(tape)], replace(PARAMS, rise_ridge=1e-4))
    np.testing.assert_allclose(model.linear.weight[0, KNOWN], 1.5, atol=0.2)
    others = np.delete(model.linear.weight[0].numpy(), KNOWN)
    assert float(np.abs(others).max()) < 0.2


def test_a_price_that_stands_still_is_no_fall(noise: Tape) -> None:
    rng = np.random.default_rng(7)
    up = np.where(rng.uniform(size=noise.ahead.shape) < 0.5, 0.01, -0.01)
    still = replace(noise, ahead=np.where(rng.uniform(size=up.shape) < 0.6, 0.0, up))
    model = fit_rise([book_of(still)], replace(PARAMS, rise_ridge=1.0))
    assert abs(float(model.linear.bias)) < 0.15


def test_what_is_not_known_is_left_out(noise: Tape) -> None:
    holes = noise.squares.copy()
    holes[::3] = np.nan
    holes[1::3] = 0.0
    short = replace(PARAMS, epochs=0.5)
    model = fit_volatility([book_of(replace(noise, squares=holes))], short)
    assert all(bool(torch.isfinite(value).all()) for value in model.state_dict().values())
