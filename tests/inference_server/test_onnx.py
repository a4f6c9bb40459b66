"""A real ONNX model behind the batcher: the answer does not depend on who shared the run."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import httpx
import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from inference_server.main import create_app
from inference_server.model.card import ModelCard
from inference_server.model.kinds import KINDS
from inference_server.model.policy import Arrays, Decoded
from inference_server.model.rows import RowPrediction, SignalRow
from inference_server.settings import Settings
from tests.inference_server.folders import write_model
from tests.inference_server.signals import as_msgpack, batch_signal
from tests.inference_server.site import running

WIDTH = 256


def attention_like() -> bytes:
    """Build two layers with a softmax over 256 returns: sums long enough to round differently."""
    rng = np.random.default_rng(0)
    weights = {
        "first": rng.normal(0, 0.1, (WIDTH, WIDTH)).astype(np.float32),
        "second": rng.normal(0, 0.5, (WIDTH, 1)).astype(np.float32),
        "scale": np.array(100.0, np.float32),
    }
    nodes = [
        helper.make_node("Mul", ["returns", "scale"], ["scaled"]),
        helper.make_node("MatMul", ["scaled", "first"], ["mixed"]),
        helper.make_node("Softmax", ["mixed"], ["weights"], axis=-1),
        helper.make_node("Mul", ["weights", "scaled"], ["weighted"]),
        helper.make_node("MatMul", ["weighted", "second"], ["raw"]),
        helper.make_node("Tanh", ["raw"], ["position"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("returns", TensorProto.FLOAT, ["rows", WIDTH])],
        [helper.make_tensor_value_info("position", TensorProto.FLOAT, ["rows", 1])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


class OnnxPolicy:
    """The last 256 returns in, a position out."""

    def __init__(self, path: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.sizes: list[int] = []

    def decode(self, rows: Sequence[SignalRow]) -> Decoded:
        return Decoded({"returns": np.stack([row.returns for row in rows])})

    def predict(self, inputs: Arrays) -> Arrays:
        self.sizes.append(len(inputs["returns"]))
        return {"position": self._session.run(["position"], dict(inputs))[0]}

    def encode(self, outputs: Arrays, decoded: Decoded) -> list[RowPrediction]:
        del decoded
        return [RowPrediction(p, 0.5, 0.0, 0.0) for p in outputs["position"][:, 0].tolist()]


async def positions(site: httpx.AsyncClient, rows: list[dict[str, object]]) -> list[float]:
    headers = {"content-type": "application/msgpack"}
    reply = await site.post("/predict/batch", content=as_msgpack(rows), headers=headers)
    return [row["position_pct"] for row in reply.json()["predictions"]]


async def test_the_answer_is_independent_of_how_requests_were_batched(store: Path) -> None:
    write_model(store, kind="onnx", files={"model.onnx": attention_like()})
    made: list[OnnxPolicy] = []

    def setup(folder: Path, card: ModelCard, threads: int) -> OnnxPolicy:
        assert (card.kind, threads) == ("onnx", 1)
        made.append(OnnxPolicy(folder / "model.onnx"))
        return made[0]

    rng = np.random.default_rng(1)
    rows = [
        batch_signal(symbol=f"S{index}", returns=rng.normal(0, 0.01, WIDTH).tolist())
        for index in range(90)
    ]
    settings = Settings(model_dir=store, log_level="ERROR")
    async with running(create_app(settings, kinds={**KINDS, "onnx": setup})) as site:
        alone = [(await positions(site, [row]))[0] for row in rows]
        together = await positions(site, rows)
        parts = [rows[start : start + size] for start, size in _cuts(len(rows))]
        shared = await asyncio.gather(*(positions(site, part) for part in parts))
    sizes = set(made[0].sizes)
    assert {1, 32} <= sizes
    assert len(sizes) >= 3
    assert np.std(alone) > 0.05
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.concatenate(shared), alone, rtol=0, atol=1e-6)


def _cuts(count: int) -> list[tuple[int, int]]:
    cuts, start = [], 0
    while start < count:
        size = 1 + (start * 7) % 11
        cuts.append((start, size))
        start += size
    return cuts
