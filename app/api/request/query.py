"""Query parameters: strict, each at most once, unknown ones refused by name."""

from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError
from starlette.requests import Request

from app.api.request.fields import Id
from app.api.response.validation import field_problems
from app.core.errors import FieldProblem, InvalidInput
from app.pipeline.ports import DecisionQuery

Parameters = TypeVar("Parameters", bound=BaseModel)

_MOST_PARAMETERS: Final = 32


def _integer(text: Any) -> Any:
    if isinstance(text, str):
        if text.isascii() and text.isdecimal() and len(text) < 20:
            return int(text)
        raise PydanticCustomError("integer", "must be an integer in plain digits")
    return text


def _names(text: Any) -> Any:
    return tuple(text.split(",")) if isinstance(text, str) else text


Whole = Annotated[int, BeforeValidator(_integer)]
Moment = Annotated[Whole, Field(ge=0, lt=2**63)]


class Query(BaseModel):
    """No parameters at all; the base of those that have some."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AllocateQuery(Query):
    """Parameters of ``POST /allocate``."""

    dry_run: Literal["true", "false"] = Field(
        "false", description="true: answer without deciding; nothing is recorded or learnt."
    )


class TradingStateQuery(Query):
    """Parameters of ``GET /trading-state``."""

    portfolio_id: Id | None = Field(None, description="`default` where absent.")


class EndSignalsQuery(Query):
    """Parameters of ``DELETE /signals/{strategy_id}``."""

    symbol: Id | None = Field(None, description="This symbol alone; all where absent.")


class CorrelationsQuery(Query):
    """Parameters of ``GET /portfolio/correlations``."""

    symbols: Annotated[tuple[Id, ...], BeforeValidator(_names)] | None = Field(
        None, description="Symbols between commas; all where absent."
    )


class DecisionsQuery(Query):
    """Filters of ``GET /decisions``; newest first."""

    limit: Annotated[Whole, Field(ge=1, le=1000)] = Field(50, description="Most decisions.")
    before_seq: Annotated[Whole, Field(ge=1, lt=2**63)] | None = Field(
        None, description="Page back: next_before_seq of the page before."
    )
    strategy: Literal["rl", "fallback"] | None = Field(None, description="Who decided.")
    fallback_reason: Id | None = Field(None, description="Why it was Phase 2.")
    symbol: Id | None = Field(None, description="Decisions that name this symbol.")
    strategy_id: Id | None = Field(
        None, description="Decisions with a signal or a held part of this strategy."
    )
    since_ns: Moment | None = Field(None, description="Not older than that, ns since 1970 UTC.")
    until_ns: Moment | None = Field(None, description="Not newer than that, ns since 1970 UTC.")

    def to_filter(self) -> DecisionQuery:
        """Build the journal's filter."""
        return DecisionQuery(**self.__dict__)


class WeightsQuery(DecisionsQuery):
    """Filters of ``GET /portfolio/weights.csv``."""

    limit: Annotated[Whole, Field(ge=1, le=100_000)] = Field(
        1000, description="Most decisions; each gives a line per symbol."
    )


def read_query(request: Request, shape: type[Parameters]) -> Parameters:
    """Hold the query string to a schema.

    Raises
    ------
    InvalidInput
        With a path ``query.NAME`` for each unknown, repeated or unusable parameter.
    """
    raw: bytes = request.scope["query_string"]
    if not raw:
        return shape()
    given = _pairs(raw)
    values = dict(given)
    if len(values) < len(given):
        names = [name for name, _ in given]
        repeated = next(name for name in names if names.count(name) > 1)
        raise InvalidInput(FieldProblem(f"query.{repeated}", "must be given once"))
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(*field_problems(error, "query")) from None


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    text = raw.decode("latin-1")
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError as error:
        message = f"must hold at most {_MOST_PARAMETERS} parameters"
        raise InvalidInput(FieldProblem("query", message, text)) from error
