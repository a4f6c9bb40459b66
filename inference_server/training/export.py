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
from inference_server.training.networks import multiplier_of
from inference_server.training.walk_forward import Fitted

CASES: Final = ("long_flat", "long_short")
_OPSET: Final = 18
DAY_SEC: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class CardText:
    """What the card says besides what was fitted."""

    version: str
    description: str
    created: date
    alpha: Mapping[str, float]
    confidence: Mapping[str, float]
    evidence: Mapping[str, Any] = field(default_factory=dict)


class _Case(nn.Module):
    def __init__(self, fitted: Fitted, *, with_transformer: bool) -> None:
        super().__init__()
        self.linear = fitted.linear
        self.added = nn.ModuleList(fitted.transformers if with_transformer else ())
        self.scale = fitted.scale
        self.volatility, self.hit = fitted.heads.volatility, fitted.heads.hit

    def forward(self, features: Tensor, path: Tensor) -> Tensor:
        """Logit, half log variance correction and hit logit, stacked (3, k)."""
        logit = self.linear(features)
        if len(self.added):
            added = torch.stack([model(features, path) for model in self.added]).mean(0)
            logit = logit + self.scale * added
        return torch.stack([logit, self.volatility(features), self.hit(features)])


class _Served(nn.Module):
    """Both cases in one graph; ``case`` is 1 for long/short, 0 for long/flat."""

    def __init__(self, cases: Mapping[str, Fitted], *, with_transformer: bool) -> None:
        super().__init__()
        self.flat = _Case(cases["long_flat"], with_transformer=with_transformer)
        self.short = _Case(cases["long_short"], with_transformer=with_transformer)

    def forward(self, features: Tensor, path: Tensor, case: Tensor) -> tuple[Tensor, ...]:
        """Multiplier, log volatility correction and hit logit, (k,) each."""
        chosen = torch.where(
            case[None, :] > 0.5, self.short(features, path), self.flat(features, path)
        )
        # the linear model has no use for the path, but every version has the same inputs
        anchored = chosen[0] + 0.0 * path[:, 0, 0]
        return multiplier_of(anchored), chosen[1], chosen[2]


def export_version(
    folder: Path,
    cases: Mapping[str, Fitted],
    text: CardText,
    seen: Sequence[NDArray[np.float32]],
    *,
    with_transformer: bool,
) -> float:
    """Write ``folder/version``; returns the largest difference between torch and the ONNX file.

    Parameters
    ----------
    folder : Path
        The model folder.
    cases : mapping of case to Fitted
    text : CardText
    seen : sequence of ndarrays (n, F)
        Features of the days of training: their range goes onto the card.
    with_transformer : bool
        False exports the linear ablation.
    """
    home = folder / text.version
    home.mkdir(parents=True, exist_ok=True)
    graph = _Served(cases, with_transformer=with_transformer).eval()
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


def _write_graph(graph: _Served, path: Path) -> None:
    example = (
        torch.zeros(3, len(FEATURES)),
        torch.zeros(3, STEPS, len(CHANNELS)),
        torch.zeros(3),
    )
    names = ("features", "path", "case")
    torch.backends.mha.set_fastpath_enabled(value=False)
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


def _difference(graph: _Served, path: Path, features: NDArray[np.float32]) -> float:
    import onnxruntime  # noqa: PLC0415 - only the last step needs it

    rows = np.ascontiguousarray(features[:: max(len(features) // 256, 1)][:256])
    paths = np.random.default_rng(0).normal(0, 0.5, (len(rows), STEPS, len(CHANNELS)))
    case = (np.arange(len(rows)) % 2).astype(np.float32)
    fed = {"features": rows, "path": paths.astype(np.float32), "case": case}
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
