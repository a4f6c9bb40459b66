"""Counting rows by what became of them, once a request."""

from collections import Counter as Tally
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

_ENDS: Final[dict[type[Exception], RowKind]] = {
    NotServing: ("turned_away", "not serving"),
    Overloaded: ("turned_away", "overloaded"),
    DeadlinePassed: ("turned_away", "deadline passed"),
    ClientDisconnect: ("turned_away", "caller left"),
    ModelFailed: ("failed", ""),
}
_SIZED: Final = ("sized", "")
_UNBELIEVABLE: Final = ("failed", "unbelievable")
Note = Callable[[Sequence[RowPrediction | None]], None]


@contextmanager
def counting(telemetry: Telemetry, rows: int) -> Iterator[Note]:
    """Count the rows of one request by its predictions, or all of them by its error.

    Yields
    ------
    callable
        To be given the predictions; None is one that could not be believed.
    """
    try:
        yield lambda predictions: telemetry.count_rows(Tally(map(_kind_of, predictions)))
    except tuple(_ENDS) as error:
        telemetry.count_rows(Tally({_ENDS[type(error)]: rows}))
        raise


def refused(bad: Sequence[FieldProblem]) -> Tally[RowKind]:
    """Sort refused rows by the field that was wrong; ``row`` where it was none of an object."""
    return Tally(("refused", _field_of(problem.path)) for problem in bad)


def _field_of(path: str) -> str:
    last = path.rpartition(".")[2]
    return "row" if not last or last.isdecimal() else last


def _kind_of(prediction: RowPrediction | None) -> RowKind:
    if prediction is None:
        return _UNBELIEVABLE
    return _SIZED if prediction.confidence else ("abstained", prediction.reason or "")
