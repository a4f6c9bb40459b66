"""Folds know their past alone; a fit depends on its seed alone and survives being killed."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from inference_server.training.fit.fit import (
    FitParams,
    TrainingBook,
    fit_linear,
    fit_transformer,
    spread_of,
)
from inference_server.training.fit.heads import HeadParams
from inference_server.training.fit.networks import LinearLogit, TransformerLogit
from inference_server.training.fit.walk_forward import (
    FOLDS,
    POOL,
    SHIPPED,
    FittedCase,
    Run,
    Stage,
    fit_cases,
    fit_heads,
    fit_stage,
    training_books,
)
from inference_server.training.play.served_torch import TensorTape
from inference_server.training.play.tape import Tape
from tests.inference_server.training.fits import SMALL, drawn_heads, made_up

PARAMS = FitParams(linear_steps=3, steps=3, stretches=2, stretch=90, network=SMALL)
HEADS = HeadParams(hidden=4, seeds=2, epochs=0.5, batch=64)
STAGE = Stage("2003", "2003-01-01", "2008-01-01")
CASES = {"long_flat": "etfs_lf", "long_short": "etfs_ls"}


@pytest.fixture(scope="module")
def tapes() -> dict[str, tuple[Tape, TensorTape]]:
    """Two and a half years of noise before 2003, for either case."""
    return {
        name: made_up(name, "2000-08-01", 700, seed)
        for seed, name in enumerate(("etfs_lf", "etfs_ls", "nyse_n_ls"))
    }


@pytest.fixture(scope="module")
def books(tapes: dict[str, tuple[Tape, TensorTape]]) -> list[TrainingBook]:
    return [book for _, book in training_books(STAGE, POOL["long_short"], tapes)]


def same(ours: torch.nn.Module, theirs: torch.nn.Module) -> bool:
    pairs = zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True)
    return all(torch.equal(mine, other) for mine, other in pairs)


def transformer(books: list[TrainingBook], seed: int) -> TransformerLogit:
    return fit_transformer(LinearLogit(), books, PARAMS, seed)


def test_the_same_seed_gives_the_same_weights_to_the_last_bit(books: list[TrainingBook]) -> None:
    assert same(fit_linear(books, PARAMS), fit_linear(books, PARAMS))
    first = transformer(books, 5)
    torch.rand(17)
    assert same(first, transformer(books, 5))


def test_another_seed_gives_other_weights(books: list[TrainingBook]) -> None:
    ours, theirs = transformer(books, 5), transformer(books, 6)
    assert not torch.equal(ours.out.weight, theirs.out.weight)
    assert bool(ours.out.weight.any())


def test_a_fitted_linear_part_strays_as_far_as_it_was_told(books: list[TrainingBook]) -> None:
    model = fit_linear(books, replace(PARAMS, linear_spread=0.7))
    found = spread_of(lambda tensors, rows: model(tensors.features[rows]), books)
    np.testing.assert_allclose(found, 0.7, rtol=1e-4)


def fitted(run: Run, tapes: dict[str, tuple[Tape, TensorTape]]) -> FittedCase:
    *_, (what, whole) = fit_stage(run, STAGE, "long_short", tapes, drawn_heads(1))
    assert what == "whole"
    assert whole is not None
    return whole


@pytest.mark.parametrize("finished", [1, 2, 3])
def test_a_run_that_was_killed_goes_on_where_it_stopped(
    tmp_path: Path, tapes: dict[str, tuple[Tape, TensorTape]], finished: int
) -> None:
    run = Run(tmp_path / "killed", PARAMS, (0, 1))
    list(islice(fit_stage(run, STAGE, "long_short", tapes, drawn_heads(1)), finished))
    kept = {path: path.stat().st_mtime_ns for path in run.folder.iterdir()}
    assert len(kept) == finished
    # what the kill left half written is no part
    half = run.part(STAGE, "long_short", "seed1").with_suffix(".9.tmp")
    half.write_bytes(b"half a part")
    resumed = fitted(run, tapes)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    whole = fitted(replace(run, folder=tmp_path / "whole"), tapes)
    assert same(resumed.linear, whole.linear)
    assert all(same(*pair) for pair in zip(resumed.transformers, whole.transformers, strict=True))
    assert resumed.scale == whole.scale


def test_other_parameters_take_no_part_of_this_run(tmp_path: Path) -> None:
    run = Run(tmp_path, PARAMS, (0,))
    other = replace(run, params=replace(PARAMS, anchor=PARAMS.anchor + 1.0))
    assert run.part(STAGE, "long_flat", "linear") != other.part(STAGE, "long_flat", "linear")


def test_both_cases_share_their_forecasts(
    tmp_path: Path, tapes: dict[str, tuple[Tape, TensorTape]]
) -> None:
    lines: list[str] = []
    cases = fit_cases(Run(tmp_path, PARAMS, (0,), forecasts=HEADS), STAGE, tapes, lines.append)
    assert set(cases) == set(CASES)
    assert cases["long_flat"].heads is cases["long_short"].heads
    assert not same(cases["long_flat"].linear, cases["long_short"].linear)
    assert lines == [
        "2003 forecasts",
        "2003 long_flat linear",
        "2003 long_flat seed 0",
        "2003 long_short linear",
        "2003 long_short seed 0",
    ]


def test_forecasts_are_fitted_once_and_for_their_own_parameters(
    tmp_path: Path, tapes: dict[str, tuple[Tape, TensorTape]]
) -> None:
    run = Run(tmp_path / "run", PARAMS, (0,), forecasts=HEADS)
    first = fit_heads(run, STAGE, tapes)
    kept = {path: path.stat().st_mtime_ns for path in run.folder.iterdir()}
    assert len(kept) == 2
    again = fit_heads(run, STAGE, tapes)
    assert {path: path.stat().st_mtime_ns for path in run.folder.iterdir()} == kept
    anew = fit_heads(replace(run, folder=tmp_path / "anew"), STAGE, tapes)
    for name in ("volatility", "rise"):
        assert same(getattr(first, name), getattr(again, name))
        assert same(getattr(first, name), getattr(anew, name))
    other = replace(run, forecasts=replace(HEADS, rise_ridge=1.0))
    assert other.forecast(STAGE, "rise") != run.forecast(STAGE, "rise")


@pytest.fixture(scope="module")
def long_tapes() -> dict[str, tuple[Tape, TensorTape]]:
    """One dated and one undated tape over all folds, and one too short for the first."""
    return {
        "etfs_ls": made_up("etfs_ls", "1995-01-02", 7200),
        "nyse_n_ls": made_up("nyse_n_ls", "1995-01-02", 7200),
        "stocks_ls": made_up("stocks_ls", "2001-06-01", 5000),
    }


@pytest.mark.parametrize("fold", FOLDS, ids=lambda fold: fold.name)
def test_no_day_of_a_fold_is_in_its_books_and_the_purge_lies_between(
    long_tapes: dict[str, tuple[Tape, TensorTape]], fold: Stage
) -> None:
    found = {tape.name: book for tape, book in training_books(fold, POOL["long_short"], long_tapes)}
    for name, book in found.items():
        tape, _ = long_tapes[name]
        purge = 40 if name == "nyse_n_ls" else 20
        assert book.start == 0
        assert book.end == tape.row_of(fold.first) - purge
        assert tape.dates[book.rows].max() < np.datetime64(fold.first)
    assert {"etfs_ls", "nyse_n_ls"} <= set(found)
    # 414 weekdays before the first fold are less than two years
    assert ("stocks_ls" in found) == (fold.name != "2003")
    np.testing.assert_allclose(sum(book.weight for book in found.values()), 1.0)


def test_books_keep_the_weights_of_the_pool_among_those_that_are_there(
    long_tapes: dict[str, tuple[Tape, TensorTape]],
) -> None:
    found = {
        tape.name: book for tape, book in training_books(FOLDS[0], POOL["long_short"], long_tapes)
    }
    pool = POOL["long_short"]
    ratio = found["etfs_ls"].weight / found["nyse_n_ls"].weight
    np.testing.assert_allclose(ratio, pool["etfs_ls"] / pool["nyse_n_ls"])


def test_what_ships_leaves_out_the_days_whose_outcome_is_not_known(
    long_tapes: dict[str, tuple[Tape, TensorTape]],
) -> None:
    ends = {
        tape.name: book.end
        for tape, book in training_books(SHIPPED, POOL["long_short"], long_tapes)
    }
    # dates end before the stage begins, so all but the days of an open horizon remain
    assert ends["stocks_ls"] <= 5000 - 12
    assert ends["stocks_ls"] >= 5000 - 40
