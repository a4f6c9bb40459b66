"""Write a fitted model as a version that the inference server can load: ONNX, card, checksums."""

import hashlib
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inference_server.model.features import CHANNELS, FEATURES, STEPS
from inference_server.training.fit.ensemble import Ensemble
from inference_server.training.fit.networks import multiplier_of
from inference_server.training.fit.unsided import unsided_features
from inference_server.training.fit.walk_forward import FittedCase

CASES: Final = ("long_flat", "long_short")
_OPSET: Final = 18
DAY_SEC: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class CardText:
    """Fields of the card that are not fitted."""

    version: str
    description: str
    created: date
    alpha: Mapping[str, float]
    confidence: Mapping[str, float]
    evidence: Mapping[str, Any] = field(default_factory=dict)


class ServedGraph(nn.Module):
    """The network of both cases in one graph, as it is exported.

    ``case`` is 1 for long/short and 0 for long/flat, ``side`` is -1 for a short baseline and 1 for
    a long one.

    Raises
    ------
    ValueError
        If the cases do not share their forecasts.
    """

    def __init__(self, cases: Mapping[str, FittedCase], *, with_transformer: bool) -> None:
        super().__init__()
        fitted = [cases[case] for case in CASES]
        if any(one.heads is not fitted[0].heads for one in fitted):
            raise ValueError("both cases must have the same forecasts, had two pairs")
        self.volatility, self.rise = fitted[0].heads.volatility, fitted[0].heads.rise
        self.register_buffer("weight", torch.stack([one.linear.weight for one in fitted], dim=1))
        self.register_buffer("bias", torch.stack([one.linear.bias for one in fitted]))
        networks = [model for one in fitted for model in one.transformers]
        self.added = Ensemble(networks) if with_transformer and networks else None
        # of every network to its own case
        share = torch.zeros(len(networks), len(CASES))
        begin = 0
        for place, one in enumerate(fitted):
            end = begin + len(one.transformers)
            share[begin:end, place] = one.scale / max(len(one.transformers), 1)
            begin = end
        self.register_buffer("share", share)

    def forward(
        self, features: Tensor, path: Tensor, case: Tensor, side: Tensor
    ) -> tuple[Tensor, ...]:
        """Return multiplier, log volatility correction and hit logit, (k,) each."""
        logits = features @ self.weight + self.bias
        if self.added is None:
            # the linear model has no use for the path, but every version has the same inputs
            logits = logits + 0.0 * path[:, :1, 0]
        else:
            logits = logits + self.added(features, path).T @ self.share
        chosen = torch.where(case > 0.5, logits[:, 1], logits[:, 0])
        unsided = unsided_features(features, side)
        return multiplier_of(chosen), self.volatility(unsided), side * self.rise(unsided)


def export_version(
    folder: Path,
    cases: Mapping[str, FittedCase],
    text: CardText,
    seen: Sequence[NDArray[np.float32]],
    *,
    with_transformer: bool,
) -> float:
    """Write ``folder/version``, and return the largest difference between torch and ONNX.

    Parameters
    ----------
    folder : Path
        The model folder.
    cases : mapping of case to FittedCase
    text : CardText
    seen : sequence of ndarrays (n, F)
        Features of the days of training: their range goes onto the card.
    with_transformer : bool
        False exports the linear ablation.
    """
    home = folder / text.version
    home.mkdir(parents=True, exist_ok=True)
    graph = ServedGraph(cases, with_transformer=with_transformer).eval()
    _write_graph(graph, home / "model.onnx")
    whole = np.concatenate(list(seen))
    card = {
        "version": text.version,
        "kind": "multiplier",
        "created": text.created.isoformat(),
        "description": text.description,
        "alpha": dict(text.alpha),
        "confidence": dict(text.confidence),
        "min_returns": 250,
        "details": {
            "features": list(FEATURES),
            "low": _rounded(np.minimum(whole.min(axis=0), 0.0)),
            "high": _rounded(np.maximum(whole.max(axis=0), 0.0)),
            "hit_slope": 1.0,
            "hit_intercept": 0.0,
            "volatility_scale": 1.0,
            "interval_sec_min": DAY_SEC / 2.0,
            "interval_sec_max": 5.0 * DAY_SEC,
        },
        "evidence": dict(text.evidence),
    }
    _write_text(home / "card.json", json.dumps(card, indent=2) + "\n")
    _write_text(home / "SHA256SUMS", _checksums(home))
    return _difference(graph, home / "model.onnx", whole)


def _rounded(values: NDArray[np.float32]) -> list[float]:
    return [round(float(value), 4) for value in values]


def _write_graph(graph: ServedGraph, path: Path) -> None:
    example = (
        torch.zeros(3, len(FEATURES)),
        torch.zeros(3, STEPS, len(CHANNELS)),
        torch.zeros(3),
        torch.ones(3),
    )
    names = ("features", "path", "case", "side")
    with warnings.catch_warnings():
        # the tracer's own notes on shapes; the result is compared with torch below
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            example,
            str(path),
            input_names=list(names),
            output_names=["multiplier", "log_volatility", "hit_logit"],
            dynamic_axes={
                name: {0: "rows"} for name in (*names, "multiplier", "log_volatility", "hit_logit")
            },
            opset_version=_OPSET,
            dynamo=False,
        )
    model = onnx.load(str(path))
    # nothing of the machine or the run that made it
    model.doc_string = ""
    model.producer_version = ""
    for node in model.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _difference(graph: ServedGraph, path: Path, features: NDArray[np.float32]) -> float:
    import onnxruntime  # noqa: PLC0415 - only the last step needs it

    rows = np.ascontiguousarray(features[:: max(len(features) // 256, 1)][:256])
    paths = np.random.default_rng(0).normal(0, 0.5, (len(rows), STEPS, len(CHANNELS)))
    place = np.arange(len(rows))
    fed = {
        "features": rows,
        "path": paths.astype(np.float32),
        "case": (place % 2).astype(np.float32),
        "side": np.where(place % 4 < 2, 1.0, -1.0).astype(np.float32),
    }
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        ours = graph(*(torch.from_numpy(value) for value in fed.values()))
    theirs = session.run(None, fed)
    return max(
        float(np.abs(mine.numpy() - other).max()) for mine, other in zip(ours, theirs, strict=True)
    )


def _write_text(path: Path, text: str) -> None:
    partial = path.with_suffix(f".{os.getpid()}.tmp")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _checksums(home: Path) -> str:
    names = sorted(path.name for path in home.iterdir() if path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256((home / name).read_bytes()).hexdigest()}  {name}" for name in names]
    return "\n".join(lines) + "\n"
