"""Answer the rows of one request with the model that is served."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from inference_server.errors import InferenceError, ModelFailed
from inference_server.model.loading import ServedModel
from inference_server.model.policy import leading_rows
from inference_server.model.rows import RowPrediction, SignalRow, is_in_range
from inference_server.serving.batching import Batcher
from inference_server.serving.decoding import Decoder
from inference_server.serving.switch import ModelSwitch

_OUT_OF_RANGE: Final = "the model's answer to this row is not finite or out of range"


@dataclass(frozen=True, slots=True)
class Answer:
    """A prediction for each row, in order; None where the model's is not finite or out of range."""

    model_version: str
    predictions: Sequence[RowPrediction | None]


class Predictor:
    """Runs rows through the model that is served.

    Parameters
    ----------
    switch : ModelSwitch
    batcher : Batcher
    timeout_sec : float, seconds
        From here to the end of the request's last run.
    """

    def __init__(self, switch: ModelSwitch, batcher: Batcher, timeout_sec: float) -> None:
        self._switch = switch
        self._batcher = batcher
        self._timeout_sec = timeout_sec
        self._decoder = Decoder()

    async def predict(self, rows: Sequence[SignalRow]) -> Answer:
        """Return a prediction for each row, all of them by the same model.

        Raises
        ------
        NotServing, Overloaded, DeadlinePassed
            The request was not served; another time it may be.
        ModelFailed
            The model cannot answer these rows, or every prediction is out of range.
        """
        deadline = asyncio.get_running_loop().time() + self._timeout_sec
        model = self._switch.current
        self._batcher.refuse_if_full()
        predictions = await self._run_model(model, rows, deadline)
        if len(predictions) != len(rows):
            detail = f"the model must answer {len(rows)} signals, was {len(predictions)}"
            raise ModelFailed(detail)
        predictions_in_range = [row if is_in_range(row) else None for row in predictions]
        if rows and not any(predictions_in_range):
            raise ModelFailed(_OUT_OF_RANGE)
        return Answer(model.card.version, predictions_in_range)

    async def _run_model(
        self, model: ServedModel, rows: Sequence[SignalRow], deadline: float
    ) -> list[RowPrediction]:
        policy = model.policy
        try:
            decoded = await self._decoder.decode(policy, rows)
            outputs = (
                await self._batcher.run(policy, decoded.inputs, deadline)
                if leading_rows(decoded.inputs)
                else {}
            )
            return policy.encode(outputs, decoded)
        except InferenceError:
            raise
        except Exception as error:
            raise ModelFailed("the model failed on these rows") from error
