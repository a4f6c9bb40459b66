"""The graph of a multiplier is held to its inputs and outputs before it is served."""

from pathlib import Path

import numpy as np
import pytest

from inference_server.errors import ModelRefused
from inference_server.model.loading import load_model
from inference_server.model.multiplier import INPUTS, OUTPUTS
from inference_server.model.onnx_model import OnnxModel
from tests.inference_server.model.graphs import (
    PATH_WIDTH,
    WIDTH,
    Linear,
    linear_graph,
    write_multiplier,
)


def test_rows_are_run_as_the_graph_says(tmp_path: Path) -> None:
    linear = Linear.drawn(0, path=True)
    assert linear.path is not None
    (tmp_path / "model.onnx").write_bytes(linear_graph(linear))
    model = OnnxModel(tmp_path / "model.onnx", 1)
    model.check_signature(INPUTS, OUTPUTS)
    assert model.inputs == {"features", "path"}
    rng = np.random.default_rng(1)
    features = rng.normal(size=(5, WIDTH)).astype(np.float32)
    path = rng.normal(size=(5, *INPUTS["path"])).astype(np.float32)
    outputs = model.run({"features": features, "path": path})
    assert outputs.keys() == OUTPUTS
    logit = features @ linear.w + path.reshape(5, PATH_WIDTH) @ linear.path + linear.b
    np.testing.assert_allclose(outputs["multiplier"], 2 / (1 + np.exp(-logit)), atol=1e-5)
    expected = features @ linear.volatility + linear.volatility_b
    np.testing.assert_allclose(outputs["log_volatility"], expected, atol=1e-5)


def test_a_linear_graph_needs_no_path(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(linear_graph(Linear()))
    model = OnnxModel(tmp_path / "model.onnx", 1)
    model.check_signature(INPUTS, OUTPUTS)
    assert model.inputs == {"features"}


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        (
            linear_graph(Linear(), {"features": "prices"}),
            "may ask for features, path, case, side, asks",
        ),
        (
            linear_graph(Linear(), {"hit_logit": "hit"}),
            "must put out hit_logit, log_volatility, multiplier, was hit, log_volatility, multi",
        ),
        (linear_graph(Linear(), column=True), r"must be \(1,\), was \(1, 1\)"),
        (linear_graph(Linear(volatility_b=float("nan"))), "log_volatility of rows of zeros must"),
        (linear_graph(Linear(hit_b=float("inf"))), "hit_logit of rows of zeros must be finite"),
        (b"not a graph", "model v1 does not work"),
    ],
)
def test_another_graph_is_refused(store: Path, graph: bytes, said: str) -> None:
    write_multiplier(store, graph)
    with pytest.raises(ModelRefused, match=said):
        load_model(store, "v1", threads=1, warm_rows=4)
