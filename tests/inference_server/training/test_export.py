"""An exported version is what torch computed, and the server takes it."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from inference_server.model.features import CHANNELS, FEATURES, STEPS
from inference_server.model.multiplier import setup
from inference_server.model.multiplier_details import read_details
from inference_server.model.store import current_version, verify_model
from inference_server.training.fit.networks import multiplier_of
from inference_server.training.fit.unsided import unsided_features
from inference_server.training.fit.walk_forward import FittedCase
from tests.inference_server.training.fits import drawn_cases, drawn_fitted, publish


@pytest.fixture(scope="module", params=[True, False], ids=["transformer", "linear"])
def whole(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, *, whole: bool) -> tuple[Path, float]:
    """Export random weights of both cases; returns the store and the difference that was found."""
    folder = tmp_path_factory.mktemp("exported")
    return folder, publish(folder, drawn_cases(), with_transformer=whole)


def logit(
    fitted: FittedCase, features: torch.Tensor, path: torch.Tensor, *, whole: bool
) -> torch.Tensor:
    linear: torch.Tensor = fitted.linear(features)
    if not whole:
        return linear
    added = torch.stack([model(features, path) for model in fitted.transformers])
    return linear + fitted.scale * added.mean(0)


@pytest.mark.parametrize("rows", [1, 7, 40])
@pytest.mark.parametrize("case", ["long_flat", "long_short"])
def test_the_graph_answers_what_torch_answers(
    exported: tuple[Path, float], case: str, rows: int, *, whole: bool
) -> None:
    store, difference = exported
    rng = np.random.default_rng(rows)
    features = rng.normal(0.0, 1.0, (rows, len(FEATURES))).astype(np.float32)
    path = rng.normal(0.0, 0.7, (rows, STEPS, len(CHANNELS))).astype(np.float32)
    session = onnxruntime.InferenceSession(str(store / "drawn-1" / "model.onnx"))
    fed = {
        "features": features,
        "path": path,
        "case": np.full(rows, case == "long_short", np.float32),
        "side": rng.choice([-1.0, 1.0], rows).astype(np.float32),
    }
    names = ("multiplier", "log_volatility", "hit_logit")
    answers = dict(zip(names, session.run(list(names), fed), strict=True))
    fitted = drawn_cases()[case]
    seen, side = torch.from_numpy(features), torch.from_numpy(fed["side"])
    plain = unsided_features(seen, side)
    with torch.no_grad():
        expected = {
            "multiplier": multiplier_of(logit(fitted, seen, torch.from_numpy(path), whole=whole)),
            "log_volatility": fitted.heads.volatility(plain),
            "hit_logit": side * fitted.heads.rise(plain),
        }
    for name, ours in expected.items():
        np.testing.assert_allclose(answers[name], ours.numpy(), rtol=0.0, atol=1e-5, err_msg=name)
    assert difference <= 1e-5


def test_the_server_verifies_and_loads_an_exported_version(exported: tuple[Path, float]) -> None:
    store, _ = exported
    model = verify_model(store, current_version(store))
    assert model.card.alpha == {"long_flat": 1.0, "long_short": 1.0}
    trained = read_details(model.card)
    assert trained.features == FEATURES
    assert min(trained.low) == -9.0
    assert max(trained.high) == 9.0
    setup(model.folder, model.card, 1)


def test_the_same_weights_give_the_same_files(
    exported: tuple[Path, float], tmp_path: Path, *, whole: bool
) -> None:
    store, _ = exported
    publish(tmp_path, drawn_cases(), with_transformer=whole)
    ours, theirs = (folder / "drawn-1" / "model.onnx" for folder in (store, tmp_path))
    assert ours.read_bytes() == theirs.read_bytes()


def test_cases_with_forecasts_of_their_own_are_refused(tmp_path: Path) -> None:
    cases = {"long_flat": drawn_fitted(0), "long_short": drawn_fitted(100)}
    with pytest.raises(ValueError, match="must have the same forecasts, had two pairs"):
        publish(tmp_path, cases)
