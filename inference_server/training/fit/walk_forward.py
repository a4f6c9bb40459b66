"""Walk forward: four expanding folds and the model that ships, each fitted on its past alone.

Every fitted part is written whole to the run's folder, named by what it depends on, so that a run
that was killed goes on where it stopped and the same settings give the same files.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from inference_server.training.fit.fit import (
    FitParams,
    Logit,
    TrainingBook,
    fit_linear,
    fit_transformer,
    spread_of,
    transformer_logit,
)
from inference_server.training.fit.heads import (
    POOLS,
    HeadParams,
    Heads,
    PriceLogit,
    fit_rise,
    fit_volatility,
)
from inference_server.training.fit.networks import LinearLogit, TransformerLogit
from inference_server.training.fit.unsided import UNSIDED
from inference_server.training.play.served_torch import TensorTape
from inference_server.training.play.tape import Tape

PURGE_DAYS: Final = 20
# dates of undated panels are good to twelve days
UNDATED_PURGE_DAYS: Final = 40
_HORIZON: Final = 12
_LEAST_DAYS: Final = 500


@dataclass(frozen=True, slots=True)
class Stage:
    """One fit: trained on what lies before ``first``, tested from ``first`` to ``last``."""

    name: str
    first: str
    last: str


FOLDS: Final = (
    Stage("2003", "2003-01-01", "2008-01-01"),
    Stage("2008", "2008-01-01", "2013-01-01"),
    Stage("2013", "2013-01-01", "2018-01-01"),
    Stage("2018", "2018-01-01", "2023-01-01"),
)
SHIPPED: Final = Stage("shipped", "2100-01-01", "2100-01-02")

# weight of each record's Sharpe ratio in the objective, by case
POOL: Final[Mapping[str, Mapping[str, float]]] = {
    "long_flat": {
        "stocks_lf": 0.35,
        "stocks_mirror": 0.35,
        "nyse_n_lf": 0.20,
        "etfs_lf": 0.10,
        "nyse_o_lf": 0.10,
    },
    "long_short": {
        "stocks_ls": 0.30,
        "nyse_n_ls": 0.20,
        "nyse_o_ls": 0.08,
        "tse_ls": 0.07,
        "etfs_ls": 0.10,
        "msci_ls": 0.05,
    },
}


@dataclass(frozen=True, slots=True, eq=False)
class FittedCase:
    """One case of one stage: linear part, Transformers with their common scale, heads."""

    linear: LinearLogit
    transformers: tuple[TransformerLogit, ...]
    scale: float
    heads: Heads

    def linear_logit(self, tensors: TensorTape, rows: slice) -> torch.Tensor:
        """Return logits (T, N) of the linear part alone."""
        with torch.no_grad():
            return self.linear(tensors.features[rows])

    def logit(self, tensors: TensorTape, rows: slice) -> torch.Tensor:
        """Return logits (T, N) of the linear part and the Transformers."""
        with torch.no_grad():
            return self.linear_logit(tensors, rows) + self.scale * _mean_logit(self.transformers)(
                tensors, rows
            )


def _mean_logit(models: Sequence[TransformerLogit]) -> Logit:
    def mean(tensors: TensorTape, rows: slice) -> torch.Tensor:
        added = [transformer_logit(model, tensors, rows) for model in models]
        return torch.stack(added).mean(0)

    return mean


def training_books(
    stage: Stage, pool: Mapping[str, float], tapes: Mapping[str, tuple[Tape, TensorTape]]
) -> list[tuple[Tape, TrainingBook]]:
    """Return the books that end before a stage begins, purged, of two years or more.

    ``pool`` are the weights of the records by name, those that are there being scaled to 1.
    """
    found = []
    for name, weight in pool.items():
        if name not in tapes:
            continue
        tape, tensors = tapes[name]
        dated = name.startswith(("stocks", "etfs"))
        purge = PURGE_DAYS if dated else UNDATED_PURGE_DAYS
        end = min(tape.row_of(stage.first) - purge, len(tape.dates) - _HORIZON)
        if end >= _LEAST_DAYS:
            found.append((tape, tensors, end, weight))
    whole = sum(weight for *_, weight in found)
    return [
        (tape, TrainingBook(tensors, 0, end, weight / whole))
        for tape, tensors, end, weight in found
    ]


@dataclass(frozen=True, slots=True)
class Run:
    """Folder of the fitted parts, and what they depend on; ``inputs`` is a digest of the tapes."""

    folder: Path
    params: FitParams
    seeds: tuple[int, ...]
    inputs: str = ""
    forecasts: HeadParams = field(default_factory=HeadParams)

    def part(self, stage: Stage, case: str, name: str) -> Path:
        """Return the file of one fitted part of a case."""
        return self._file(asdict(self.params), POOL[case], stage, f"{case}-{name}")

    def forecast(self, stage: Stage, name: str) -> Path:
        """Return the file of one fitted forecast."""
        rules = (UNSIDED, PURGE_DAYS, UNDATED_PURGE_DAYS, _HORIZON, _LEAST_DAYS)
        return self._file((asdict(self.forecasts), rules), POOLS[name], stage, name)

    def _file(self, params: object, pool: Mapping[str, float], stage: Stage, name: str) -> Path:
        key = repr((params, pool, asdict(stage), self.inputs))
        digest = hashlib.sha256(key.encode()).hexdigest()[:12]
        return self.folder / f"{digest}-{stage.name}-{name}.npz"


def digest_tapes(tapes: Mapping[str, tuple[Tape, TensorTape]]) -> str:
    """Return a digest of the keys of all tapes."""
    key = repr(sorted((name, tape.key) for name, (tape, _) in tapes.items()))
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def fit_stage(
    run: Run,
    stage: Stage,
    case: str,
    tapes: Mapping[str, tuple[Tape, TensorTape]],
    heads: Heads,
) -> Iterable[tuple[str, FittedCase | None]]:
    """Fit one case of one stage, part by part; the last item holds the whole, with ``heads``.

    Yields
    ------
    (what was fitted, None), and at the end ("whole", FittedCase)
    """
    books = [book for _, book in training_books(stage, POOL[case], tapes)]
    linear = LinearLogit()
    if not _restore(linear, run.part(stage, case, "linear")):
        linear = fit_linear(books, run.params)
        _save(linear, run.part(stage, case, "linear"))
    yield "linear", None
    transformers = []
    for seed in run.seeds:
        model = TransformerLogit(run.params.network).eval()
        if not _restore(model, run.part(stage, case, f"seed{seed}")):
            model = fit_transformer(linear, books, run.params, seed)
            _save(model, run.part(stage, case, f"seed{seed}"))
        transformers.append(model)
        yield f"seed {seed}", None
    scale = run.params.spread / spread_of(_mean_logit(transformers), books)
    yield "whole", FittedCase(linear, tuple(transformers), scale, heads)


def fit_heads(run: Run, stage: Stage, tapes: Mapping[str, tuple[Tape, TensorTape]]) -> Heads:
    """Fit the forecasts of one stage, which both cases share."""
    volatility, rise = PriceLogit(run.forecasts.hidden * run.forecasts.seeds), PriceLogit(0)
    if not _restore(volatility, place := run.forecast(stage, "volatility")):
        books = training_books(stage, POOLS["volatility"], tapes)
        volatility = fit_volatility(books, run.forecasts)
        _save(volatility, place)
    if not _restore(rise, place := run.forecast(stage, "rise")):
        rise = fit_rise(training_books(stage, POOLS["rise"], tapes), run.forecasts)
        _save(rise, place)
    return Heads(volatility, rise)


def fit_cases(
    run: Run,
    stage: Stage,
    tapes: Mapping[str, tuple[Tape, TensorTape]],
    report: Callable[[str], None],
) -> dict[str, FittedCase]:
    """Fit the forecasts and both cases of a stage."""
    heads = fit_heads(run, stage, tapes)
    report(f"{stage.name} forecasts")
    cases: dict[str, FittedCase] = {}
    for case in POOL:
        for what, fitted in fit_stage(run, stage, case, tapes, heads):
            if fitted is None:
                report(f"{stage.name} {case} {what}")
            else:
                cases[case] = fitted
    return cases


def _save(model: torch.nn.Module, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.tmp")
    state: dict[str, Any] = {name: value.numpy() for name, value in model.state_dict().items()}
    with partial.open("wb") as file:
        np.savez(file, **state)
    partial.replace(path)


def _restore(model: torch.nn.Module, path: Path) -> bool:
    if not path.is_file():
        return False
    with np.load(path, allow_pickle=False) as opened:
        state = {name: torch.from_numpy(opened[name]) for name in opened.files}
    model.load_state_dict(state)
    model.requires_grad_(requires_grad=False)
    return True
