"""``POST /predict`` and ``POST /predict/batch``: one prediction for each signal."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from edge.problems import BodyTooLarge
from inference_server.api.body import detect_wire, read_body
from inference_server.api.context import ApiContext, context_of
from inference_server.api.disconnect import cancel_on_disconnect
from inference_server.api.openapi import problem_responses, request_body
from inference_server.api.problems import describe_problem
from inference_server.api.raw_route import RawRoute
from inference_server.api.row_counts import count_outcomes, count_refusals
from inference_server.api.schemas import (
    BATCH_EXAMPLE,
    SINGLE_EXAMPLE,
    BatchAnswer,
    BatchBody,
    PredictionAnswer,
    SignalBody,
)
from inference_server.errors import FieldProblem, ModelFailed, RequestUnusable
from inference_server.model.rows import RowPrediction, SignalRow
from inference_server.serving.predictor import Answer
from inference_server.wire import (
    BatchReply,
    Entry,
    batch_bytes,
    parse_object,
    read_entries,
    read_single,
    single_bytes,
)

_JSON: Final = "application/json"
_FAILED: Final = "the model's answer to this row is not finite or out of range"

router = APIRouter(tags=["predictions"], route_class=RawRoute)


@router.post(
    "/predict",
    operation_id="predict",
    summary="Predict one signal",
    response_model=PredictionAnswer,
    responses=problem_responses(408, 413, 415, 422, 503),
    openapi_extra=request_body(SignalBody, SINGLE_EXAMPLE),
)
async def predict(request: Request) -> Response:
    """One flat signal in, one target position out; a signal out of range is refused with 422.

    Without ``baseline_pct`` and ``returns`` the answer comes from the signal alone.
    """
    context, wire = context_of(request), detect_wire(request)
    body = await read_body(request, context.settings)
    row = _single_row(context, parse_object(body, wire))
    answer = await _ask(request, context, [row])
    prediction = answer.predictions[0]
    if prediction is None:
        raise ModelFailed(_FAILED)
    return Response(single_bytes(prediction, answer.model_version), media_type=_JSON)


@router.post(
    "/predict/batch",
    operation_id="predict_batch",
    summary="Predict a batch of signals",
    response_model=BatchAnswer,
    responses=problem_responses(408, 413, 415, 422, 503),
    openapi_extra=request_body(BatchBody, BATCH_EXAMPLE),
)
async def predict_batch(request: Request) -> Response:
    """Answer each signal in its place; all answers are of one model version.

    A signal out of range does not spoil the others: in its place stands an object with ``error``
    and ``path``. Only if every signal is bad, the whole is refused with 422.
    """
    context, wire = context_of(request), detect_wire(request)
    body = await read_body(request, context.settings)
    entries = read_entries(
        _signals(parse_object(body, wire), context.settings.max_rows_per_request)
    )
    rows = _good_rows(context, entries)
    answer = await _ask(request, context, rows)
    reply = BatchReply(_in_place(entries, answer.predictions), answer.model_version)
    return Response(batch_bytes(reply), media_type=_JSON)


ENDPOINTS: Final = {"/predict": predict, "/predict/batch": predict_batch}


def _signals(content: dict[str, Any], most: int) -> list[Any]:
    signals = content.get("signals")
    if type(signals) is not list:
        message = "must be a list" if "signals" in content else "is required"
        raise RequestUnusable(FieldProblem("signals", message, signals))
    if len(signals) > most:
        raise BodyTooLarge(most, "signals")
    return signals


def _single_row(context: ApiContext, signal: dict[str, Any]) -> SignalRow:
    try:
        return read_single(signal)
    except RequestUnusable as error:
        context.telemetry.count_rows(count_refusals(error.problems))
        raise


def _good_rows(context: ApiContext, entries: Sequence[Entry]) -> list[SignalRow]:
    rows = [entry for entry in entries if isinstance(entry, SignalRow)]
    if len(rows) < len(entries):
        bad = [entry for entry in entries if isinstance(entry, FieldProblem)]
        context.telemetry.count_rows(count_refusals(bad))
        if not rows:
            raise RequestUnusable(*bad)
    return rows


async def _ask(request: Request, context: ApiContext, rows: Sequence[SignalRow]) -> Answer:
    with count_outcomes(context.telemetry, len(rows)) as record:
        with context.stage("predict rows"):
            answer = await cancel_on_disconnect(request, context.predictor.predict(rows))
        record(answer.predictions)
    return answer


def _in_place(
    entries: Sequence[Entry], predictions: Sequence[RowPrediction | None]
) -> Sequence[RowPrediction | dict[str, str]]:
    if len(predictions) == len(entries) and all(predictions):
        return predictions  # type: ignore[return-value] # nothing refused, none is None
    left = iter(predictions)
    answers: list[RowPrediction | dict[str, str]] = []
    for index, entry in enumerate(entries):
        if isinstance(entry, FieldProblem):
            answers.append({"error": describe_problem(entry), "path": entry.path})
        else:
            failed = {"error": _FAILED, "path": f"signals.{index}"}
            answers.append(next(left) or failed)
    return answers
