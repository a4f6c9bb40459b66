"""Count the rows of each request by result and reason."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from starlette.requests import ClientDisconnect

from inference_server.errors import (
    DeadlinePassed,
    FieldProblem,
    ModelFailed,
    NotServing,
    Overloaded,
)
from inference_server.model.rows import RowPrediction
from inference_server.telemetry import RowKind, Telemetry

_RESULTS: Final[dict[type[Exception], RowKind]] = {
    NotServing: ("turned_away", "not serving"),
    Overloaded: ("turned_away", "overloaded"),
    DeadlinePassed: ("turned_away", "deadline passed"),
    ClientDisconnect: ("turned_away", "caller left"),
    ModelFailed: ("failed", ""),
}
_SIZED: Final = ("sized", "")
_OUT_OF_RANGE: Final = ("failed", "unbelievable")
RecordPredictions = Callable[[Sequence[RowPrediction | None]], None]


@contextmanager
def count_outcomes(telemetry: Telemetry, rows: int) -> Iterator[RecordPredictions]:
    """Count the rows of one request by its predictions, or all of them by its error.

    Yields
    ------
    callable
        Takes the predictions; None is one that was not finite or out of range.
    """
    try:
        yield lambda predictions: telemetry.count_rows(Counter(map(_result_of, predictions)))
    except tuple(_RESULTS) as error:
        telemetry.count_rows(Counter({_RESULTS[type(error)]: rows}))
        raise


def count_refusals(bad: Sequence[FieldProblem]) -> Counter[RowKind]:
    """Count refused rows by the field that was wrong; ``row`` if the row is not an object."""
    return Counter(("refused", _field_of(problem.path)) for problem in bad)


def _field_of(path: str) -> str:
    last = path.rpartition(".")[2]
    return "row" if not last or last.isdecimal() else last


def _result_of(prediction: RowPrediction | None) -> RowKind:
    if prediction is None:
        return _OUT_OF_RANGE
    return _SIZED if prediction.confidence else ("abstained", prediction.reason or "")
