"""The graph against torch eager: the same network, one row, one thread each.

The weights are random and the gates open, so that every request runs the model; the shape is that
of the version that ships where there is one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch

from inference_server.model.features import CHANNELS, FEATURES, STEPS
from inference_server.model.onnx_model import OnnxModel
from inference_server.training.export import CASES, CardText, ServedGraph, export_version
from inference_server.training.fit.heads import HeadParams, Heads, PriceLogit
from inference_server.training.fit.networks import (
    LinearLogit,
    NetworkParams,
    TransformerLogit,
    multiplier_of,
)
from inference_server.training.fit.walk_forward import FittedCase
from tests.tools.bench.rows import Row, interleaved_medians

SECTION: Final = "Inference server: the model, one row"
SHIPPED: Final = Path("inference_server/models/transformer-1/model.onnx")
VERSION: Final = "bench-1"
_SEEDS: Final = 8
_CALLS: Final = 40
_RANGE: Final = 12.0


@dataclass(frozen=True, slots=True)
class BenchModel:
    """A version in ``folder``, its network and parts, how far graph and network are apart."""

    folder: Path
    network: Any
    cases: Mapping[str, FittedCase]
    difference: float
    transformers: int

    @property
    def graph(self) -> Path:
        """The ONNX file."""
        return self.folder / VERSION / "model.onnx"


def make_model(folder: Path) -> BenchModel:
    """Export a network of random weights, alpha 1 and confidence 1, in the shape that ships."""
    torch.manual_seed(0)
    count = _transformers_of(SHIPPED) if SHIPPED.exists() else _SEEDS
    heads = _random_heads()
    cases = {case: _random_case(count, heads) for case in CASES}
    everywhere = dict.fromkeys(CASES, 1.0)
    made = datetime.now(UTC).date()
    text = CardText(VERSION, "Random weights, for measurements.", made, everywhere, everywhere)
    draw = np.random.default_rng(0)
    seen = draw.uniform(-_RANGE, _RANGE, (512, len(FEATURES))).astype(np.float32)
    difference = export_version(folder, cases, text, [seen], with_transformer=count > 0)
    # the export turns torch's fast attention off; eager shall have it
    torch.backends.mha.set_fastpath_enabled(value=True)
    network = ServedGraph(cases, with_transformer=count > 0).eval()
    return BenchModel(folder, network, cases, difference, count)


def measure_model(model: BenchModel, rounds: int) -> Iterator[Row]:
    """Time one row through torch eager and through the graph as it is served."""
    torch.set_num_threads(1)
    draw = np.random.default_rng(1)
    path = draw.normal(0.0, 0.5, (1, STEPS, len(CHANNELS))).astype(np.float32)
    features = draw.normal(0.0, 1.0, (1, len(FEATURES))).astype(np.float32)
    none = np.zeros(1, np.float32)
    fed = {"features": features, "path": path, "case": none, "side": none + 1.0}
    tensors = [torch.from_numpy(value) for value in fed.values()]
    session = OnnxModel(SHIPPED if SHIPPED.exists() else model.graph, 1)
    asked = {name: fed[name] for name in session.inputs}

    def eager() -> object:
        with torch.inference_mode():
            return model.network(*tensors)

    flat = model.cases["long_flat"]

    def parts() -> object:
        with torch.inference_mode():
            logit = flat.linear(tensors[0])
            for one in flat.transformers:
                logit = logit + flat.scale / len(flat.transformers) * one(tensors[0], tensors[1])
            return multiplier_of(logit)

    actions = (lambda: session.run(asked), eager, parts)
    ours, theirs, apart = interleaved_medians(actions, rounds, (_CALLS, _CALLS, _CALLS))
    what = f"{model.transformers} Transformers a case"
    whose = "the graph that ships" if SHIPPED.exists() else "a graph of that shape"
    yield Row(SECTION, f"{whose}, {what}: CPU a row", 1e3 * ours, "ms")
    yield Row(SECTION, f"torch eager, the same network, {what}: CPU a row", 1e3 * theirs, "ms")
    yield Row(
        SECTION, "torch eager, one case's Transformers one by one: CPU a row", 1e3 * apart, "ms"
    )
    yield Row(SECTION, "CPU against torch eager", ours / theirs, "times", at_most=0.65)
    name = "largest difference from torch, 256 rows"
    yield Row(SECTION, name, model.difference, "", at_most=1e-5)


def _random_heads() -> Heads:
    params = HeadParams()
    heads = Heads(PriceLogit(params.hidden * params.seeds), PriceLogit(0))
    with torch.no_grad():
        for part in (heads.volatility, heads.rise):
            for value in part.requires_grad_(requires_grad=False).parameters():
                value.normal_(0.0, 0.01)
    return heads


def _random_case(count: int, heads: Heads) -> FittedCase:
    linear = LinearLogit()
    transformers = tuple(TransformerLogit(NetworkParams()) for _ in range(count))
    with torch.no_grad():
        linear.weight.normal_(0.0, 0.01)
        for part in transformers:
            part.out.weight.normal_(0.0, 0.1)
    for each in (linear, *transformers):
        frozen: torch.nn.Module = each
        frozen.eval().requires_grad_(requires_grad=False)
    return FittedCase(linear, transformers, 0.5, heads)


def _transformers_of(graph: Path) -> int:
    """Networks of one case, by how many are stacked in the graph."""
    for tensor in onnx.load(str(graph)).graph.initializer:
        if tensor.name == "added.out":
            return int(tensor.dims[0]) // len(CASES)
    return 0
