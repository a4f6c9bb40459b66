"""A model is rehearsed before it is served."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference_server.errors import ModelRefused
from inference_server.model.kinds import find_setup
from inference_server.model.loading import ServedModel, load_model, warm_up_rows
from inference_server.model.policy import Arrays, Decoded
from inference_server.model.rows import RowPrediction
from tests.inference_server.folders import write_model
from tests.inference_server.policies import EchoPolicy, setup_constant


def load(store: Path, version: str | None = None, **kinds: Any) -> ServedModel:
    return load_model(store, version, threads=1, warm_rows=8, kinds=kinds)


def test_the_current_version_is_loaded_unless_another_is_asked_for(store: Path) -> None:
    write_model(store, "v1", kind="constant", details={"position": 0.1})
    write_model(store, "v2", kind="constant", details={"position": 0.2})
    assert load(store, constant=setup_constant).card.version == "v1"
    assert load(store, "v2", constant=setup_constant).card.version == "v2"


def test_it_is_run_with_one_row_and_with_the_most_before_it_is_served(store: Path) -> None:
    write_model(store, kind="echo")
    echo = EchoPolicy()
    load(store, echo=echo.setup)
    assert [len(run) for run in echo.runs] == [1, 8]


def test_rehearsals_are_of_full_history_and_several_symbols() -> None:
    rows = warm_up_rows(3)
    assert len({row.symbol for row in rows}) == 3
    assert {row.returns.shape for row in rows} == {(256,)}
    assert np.isfinite(np.stack([row.returns for row in rows])).all()


class Raises(EchoPolicy):
    def predict(self, inputs: Arrays) -> Arrays:
        raise RuntimeError(f"no weights for {len(inputs)} inputs")


class AnswersTooFew(EchoPolicy):
    def encode(self, outputs: Arrays, decoded: Decoded) -> list[RowPrediction]:
        return super().encode(outputs, decoded)[1:]


class PredictsTooFew(EchoPolicy):
    def predict(self, inputs: Arrays) -> Arrays:
        return {"x": inputs["x"][1:]}


class AnswersNonsense(EchoPolicy):
    def encode(self, outputs: Arrays, decoded: Decoded) -> list[RowPrediction]:
        return [RowPrediction(2.0, 0.5, 0.0, 0.0) for _ in super().encode(outputs, decoded)]


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (Raises(), "the current model does not work: no weights for 1 inputs"),
        (AnswersTooFew(), "1 signals must have as many answers, was 0"),
        (PredictsTooFew(), "1 rows must have as many outputs, was 0"),
        (AnswersNonsense(), "an answer must be finite and in range"),
    ],
)
def test_a_model_that_does_not_work_is_refused(store: Path, policy: EchoPolicy, said: str) -> None:
    write_model(store, kind="echo")
    with pytest.raises(ModelRefused, match=said):
        load(store, echo=policy.setup)


def test_an_unknown_kind_is_refused_by_name(store: Path) -> None:
    write_model(store, kind="oracle")
    with pytest.raises(ModelRefused, match="kind must be one of constant, was 'oracle'"):
        load(store, constant=setup_constant)


def test_a_kind_whose_module_is_missing_is_refused_and_says_so() -> None:
    with pytest.raises(ModelRefused, match="kind future needs what is not installed"):
        find_setup("future", {"future": "inference_server.model.of_the_future:setup"})


def test_a_card_that_cannot_be_opened_is_a_refusal(store: Path) -> None:
    (store / "v1").mkdir(parents=True)
    with pytest.raises(ModelRefused, match="v1/SHA256SUMS is missing"):
        load(store, "v1")
