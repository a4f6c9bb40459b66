"""Small ONNX graphs of the kind ``multiplier``, and cards and folders to serve them from."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from inference_server.model.features import CHANNELS, FEATURES, STEPS
from tests.inference_server.folders import write_model

Weights = NDArray[np.float32]

WIDTH = len(FEATURES)
PATH_WIDTH = STEPS * len(CHANNELS)
INPUTS = ("features", "path")
# outputs, and what of the graph each is made of
SOURCES = {"multiplier": "m", "log_volatility": "v_logit", "hit_logit": "u_logit"}


def zeros(width: int = WIDTH) -> Weights:
    return np.zeros(width, np.float32)


@dataclass(frozen=True)
class Linear:
    """Weights of a linear multiplier: 2 sigmoid(features w + path p + b), and of its two heads."""

    w: Weights = field(default_factory=zeros)
    b: float = 0.0
    volatility: Weights = field(default_factory=zeros)
    volatility_b: float = 0.0
    hit: Weights = field(default_factory=zeros)
    hit_b: float = 0.0
    path: Weights | None = None

    @staticmethod
    def drawn(seed: int, *, path: bool = False) -> "Linear":
        """Draw weights that spread multipliers over most of 0 to 2."""
        rng = np.random.default_rng(seed)
        w, volatility, hit = (rng.normal(0, 0.15, WIDTH).astype(np.float32) for _ in range(3))
        weights = rng.normal(0, 0.05, PATH_WIDTH).astype(np.float32)
        return Linear(w, 0.1, volatility, -0.1, hit, 0.05, weights if path else None)

    def multiplier(self, features: Weights) -> NDArray[np.float64]:
        """Compute what the graph must answer, in double precision."""
        logit = features.astype(np.float64) @ self.w + self.b
        answer: NDArray[np.float64] = 2.0 / (1.0 + np.exp(-logit))
        return answer


def linear_graph(
    linear: Linear, names: dict[str, str] | None = None, *, column: bool = False
) -> bytes:
    """Build the graph; ``names`` renames inputs and outputs, ``column`` leaves outputs (k, 1)."""
    named = {name: name for name in (*INPUTS, *SOURCES)} | (names or {})
    looks_at_path = linear.path is not None
    inputs = [_tensor(named["features"], ["k", WIDTH])]
    if looks_at_path:
        inputs.append(_tensor(named["path"], ["k", STEPS, len(CHANNELS)]))
    nodes = [
        *(node for head in ("w", "v", "u") for node in _head(head, named["features"])),
        *(_joined(named["path"]) if looks_at_path else ()),
        helper.make_node("Sigmoid", ["joint_logit" if looks_at_path else "w_logit"], ["open"]),
        helper.make_node("Mul", ["open", "two"], ["m"]),
        *(
            helper.make_node("Identity", [source], [named[name]])
            if column
            else helper.make_node("Squeeze", [source, "one"], [named[name]])
            for name, source in SOURCES.items()
        ),
    ]
    rank: list[str | int] = ["k", 1] if column else ["k"]
    outputs = [_tensor(named[name], rank) for name in SOURCES]
    weights = [
        numpy_helper.from_array(np.ascontiguousarray(array), name)
        for name, array in _constants(linear).items()
    ]
    graph = helper.make_graph(nodes, "linear", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _constants(linear: Linear) -> dict[str, NDArray[Any]]:
    path = {} if linear.path is None else {"p": linear.path[:, None]}
    return path | {
        "w": linear.w[:, None],
        "v": linear.volatility[:, None],
        "u": linear.hit[:, None],
        "w_b": np.array(linear.b, np.float32),
        "v_b": np.array(linear.volatility_b, np.float32),
        "u_b": np.array(linear.hit_b, np.float32),
        "two": np.array(2.0, np.float32),
        "flat": np.array([-1, PATH_WIDTH], np.int64),
        "one": np.array([1], np.int64),
    }


def _head(weight: str, source: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("MatMul", [source, weight], [f"{weight}_raw"]),
        helper.make_node("Add", [f"{weight}_raw", f"{weight}_b"], [f"{weight}_logit"]),
    ]


def _joined(path: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Reshape", [path, "flat"], ["flat_path"]),
        helper.make_node("MatMul", ["flat_path", "p"], ["path_logit"]),
        helper.make_node("Add", ["w_logit", "path_logit"], ["joint_logit"]),
    ]


def _tensor(name: str, shape: list[str | int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def details(**changes: Any) -> dict[str, Any]:
    """Make the details of a card whose ranges hold every feature there can be."""
    return {
        "features": list(FEATURES),
        "low": [-100.0] * WIDTH,
        "high": [100.0] * WIDTH,
        "hit_slope": 1.0,
        "hit_intercept": 0.0,
        "volatility_scale": 1.0,
        "interval_sec_min": 3600.0,
        "interval_sec_max": 100_000.0,
    } | changes


def write_multiplier(store: Path, linear: Linear | bytes, version: str = "v1", **card: Any) -> Path:
    """Publish a multiplier that speaks in both cases; returns its folder."""
    graph = linear if isinstance(linear, bytes) else linear_graph(linear)
    spoken = {
        "alpha": {"long_flat": 1.0, "long_short": 1.0},
        "confidence": {"long_flat": 0.75, "long_short": 0.75},
        "details": details(),
    }
    return write_model(
        store, version, files={"model.onnx": graph}, kind="multiplier", **(spoken | card)
    )
