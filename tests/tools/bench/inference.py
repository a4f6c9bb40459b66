"""The inference server: against torch, naive servers and peers, and in the service."""

import tempfile
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tests.tools.bench.inference_decision import measure_decision
from tests.tools.bench.inference_peers import measure_peers
from tests.tools.bench.inference_served import measure_batch, measure_footprint, measure_one
from tests.tools.bench.rows import Row

_MOST_ROUNDS: Final = 3


def measure(rounds: int) -> Iterator[Row]:
    """Everything of the inference server; needs torch, which makes the model that is served."""
    missing = [name for name in ("torch", "onnx", "onnxruntime") if find_spec(name) is None]
    if missing:
        why = f"not measured: {', '.join(missing)} not installed (make install-train)"
        yield Row("Inference server", why, 0.0, "rows")
        return
    rounds = min(rounds, _MOST_ROUNDS)
    # torch stays out of a bench of other parts
    model = import_module("tests.tools.bench.inference_model")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = model.make_model(folder)
        yield from model.measure_model(made, rounds)
        yield from measure_one(folder, rounds)
        yield from measure_batch(rounds)
        yield from measure_footprint(folder, made.transformers)
        yield from measure_peers(folder, rounds)
        yield from measure_decision(folder, rounds)
