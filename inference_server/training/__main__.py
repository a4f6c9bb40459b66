"""``himari train``: train the policy walk-forward; judge it and write the versions that ship."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import torch
import typer
from tqdm import tqdm

from inference_server.training.evaluate.acceptance import Universes, run_case
from inference_server.training.evaluate.method import METHOD, REMARKS
from inference_server.training.evaluate.page import write_page
from inference_server.training.evaluate.results import CaseResults, Results, save_results
from inference_server.training.evaluate.shuffles import shuffled_gains
from inference_server.training.evaluate.trials import count_trials, read_trials, sharpes_of
from inference_server.training.export import CardText, export_version
from inference_server.training.fit.fit import FitParams
from inference_server.training.fit.walk_forward import (
    FOLDS,
    POOL,
    SHIPPED,
    FittedCase,
    Run,
    digest_tapes,
    fit_cases,
)
from inference_server.training.play.prepare import RECORDS, SMOKE, load_tapes
from inference_server.training.play.served_torch import TensorTape
from inference_server.training.play.tape import Tape

MODELS: Final = Path(__file__).parents[1] / "models"
TRANSFORMER: Final = "transformer-1"
LINEAR: Final = "linear-1"
SEEDS: Final = 8
SHUFFLES: Final = 50
_SHORT: Final = FitParams(linear_steps=3, steps=2, stretches=1)

Tapes = Mapping[str, tuple[Tape, TensorTape]]


def train(
    data: Annotated[Path, typer.Option(help="Cache of prices, records, features, parts.")] = Path(
        "data"
    ),
    models: Annotated[Path, typer.Option(help="Model folder to write the versions into.")] = MODELS,
    docs: Annotated[Path, typer.Option(help="Where evidence.md goes.")] = Path("docs"),
    seeds: Annotated[int, typer.Option(help="Transformers a stage.", min=1)] = SEEDS,
    smoke: Annotated[bool, typer.Option("--smoke", help="Two small panels, few steps.")] = False,  # noqa: FBT002 (a flag)
    evaluate: Annotated[bool, typer.Option("--evaluate", help="Judge it and ship it.")] = False,  # noqa: FBT002 (a flag)
) -> None:
    """Train the policy on real prices, walk-forward; resumable: finished parts are kept."""
    torch.set_num_threads(1)
    params = _SHORT if smoke else FitParams()
    tapes = load_tapes(data, SMOKE if smoke else [record.name for record in RECORDS], tqdm.write)
    run = Run(
        data / ("smoke-runs" if smoke else "runs"),
        params,
        tuple(range(1 if smoke else seeds)),
        digest_tapes(tapes),
    )
    stages = (SHIPPED,) if smoke else (*FOLDS, SHIPPED)
    parts = len(stages) * (1 + 2 * (len(run.seeds) + 1))
    with tqdm(total=parts, unit="part", desc="training") as bar:

        def report(what: str) -> None:
            bar.set_postfix_str(what)
            bar.update()

        fits = {stage.name: fit_cases(run, stage, tapes, report) for stage in stages}
    if smoke:
        # proves the way, not a model: the versions that ship stay as they are
        ship(data / "smoke-models", fits[SHIPPED.name], tapes, dict.fromkeys(POOL, 0.0), {})
    elif evaluate:
        ship(models, fits[SHIPPED.name], tapes, *_judge(data, docs, tapes, fits))
    else:
        tqdm.write("fitted; what ships is written with its evidence: himari train --evaluate")


def _judge(
    data: Path,
    docs: Path,
    tapes: Tapes,
    fits: Mapping[str, Mapping[str, FittedCase]],
) -> tuple[dict[str, float], dict[str, object]]:
    cases: dict[str, CaseResults] = {}
    for case, side in (("long_flat", "lf"), ("long_short", "ls")):
        mine = {name: fitted[case] for name, fitted in fits.items()}
        universes = Universes(
            tapes[f"stocks_{side}"],
            tapes[f"etfs_{side}"],
            tapes[f"nyse_n_{side}"],
            {"crypto": tapes[f"crypto_{side}"]},
        )
        tqdm.write(f"judging {case}")
        found = run_case(universes, mine)
        gains = shuffled_gains(data, short=side == "ls", fits=mine, count=SHUFFLES)
        cases[case] = replace(
            found,
            shuffled_gains=gains,
            candidates={
                name: series.returns
                for name, series in found.main.policies.items()
                if name in {"kelly_smoothed", "linear", "rl"}
            },
            trial_sharpes=sharpes_of(read_trials(), case, "stocks"),
        )
    results = Results(
        created=datetime.now(UTC).date().isoformat(),
        model_version=TRANSFORMER,
        trials=count_trials(),
        cases=cases,  # type: ignore[arg-type]
        method=METHOD,
        remarks=REMARKS,  # type: ignore[arg-type]
    )
    save_results(results, data / "results.json.gz")
    alpha = dict(write_page(results, docs))
    evidence = {f"alpha_{case}": value for case, value in alpha.items()}
    return {case: float(value) for case, value in alpha.items()}, dict(evidence)


def ship(
    models: Path,
    fitted: Mapping[str, FittedCase],
    tapes: Tapes,
    alpha: Mapping[str, float],
    evidence: Mapping[str, object],
) -> None:
    """Write the Transformer and the linear version, and the files that name them."""
    trained = set().union(*POOL.values())
    seen = [
        tape.features[tape.usable & (tape.baseline != 0.0)]
        for name, (tape, _) in tapes.items()
        if name in trained
    ]
    for version, whole in ((TRANSFORMER, True), (LINEAR, False)):
        text = CardText(
            version=version,
            description=_DESCRIPTION[whole],
            created=datetime.now(UTC).date(),
            alpha=alpha,
            confidence={case: 1.0 if value else 0.0 for case, value in alpha.items()},
            evidence=evidence,
        )
        difference = export_version(models, fitted, text, seen, with_transformer=whole)
        tqdm.write(f"{version}: torch and ONNX differ by at most {difference:.1e}")
    models.mkdir(parents=True, exist_ok=True)
    (models / "current").write_text(f"{TRANSFORMER}\n", encoding="utf-8")
    (models / "linear").write_text(f"{LINEAR}\n", encoding="utf-8")


_DESCRIPTION: Final = {
    True: (
        "Bounded multiplier on the Phase 2 baseline: linear skip plus the mean of eight small "
        "Transformers over the last 64 days, one set for long/flat and one for long/short books; "
        "volatility by a small perceptron, hit probability by a logistic regression, both of the "
        "price alone. Trained on daily prices of stocks, ETFs and indices, "
        "1962 to 2022. Alpha is 1 only where docs/evidence.md says that every must gate passed."
    ),
    False: (
        "The standing ablation of transformer-1: the linear skip alone, same features, same heads, "
        "same gates."
    ),
}


def main() -> None:
    """Run the command line."""
    typer.run(train)


if __name__ == "__main__":
    main()
