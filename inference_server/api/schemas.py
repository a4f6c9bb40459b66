"""Shapes of the wire for the OpenAPI page; rows themselves are checked by `wire.py`."""

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from inference_server.model.card import VERSION_PATTERN, ModelCard
from inference_server.model.rows import Action, Regime

_EITHER_CASE: Final = "In either case."

SINGLE_EXAMPLE: Final[dict[str, Any]] = {
    "symbol": "BTC-USD",
    "action": "BUY",
    "confidence": 0.85,
    "risk_score": 0.25,
    "regime": "TRENDING_UP",
    "expected_return": 0.12,
    "predicted_volatility": 0.04,
    "market_data": {},
}
BATCH_EXAMPLE: Final[dict[str, Any]] = {
    "signals": [
        SINGLE_EXAMPLE
        | {
            "baseline_pct": 0.08,
            "current_pct": 0.02,
            "returns": [0.01, -0.02, 0.005],
            "interval_sec": 86400.0,
        }
    ]
}
RELOAD_EXAMPLE: Final[dict[str, Any]] = {"version": "dummy-1"}


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


def _names(*known: str) -> dict[str, Any]:
    return {"enum": [*known, *map(str.lower, known)]}


class SignalBody(_Shape):
    """One signal; fields that are not known are ignored."""

    symbol: str = Field(
        min_length=1, max_length=256, description="Tells symbols apart; its name plays no part."
    )
    action: str = Field(json_schema_extra=_names(*Action), description=_EITHER_CASE)
    confidence: float = Field(ge=0, le=1, description="Of the strategy.")
    risk_score: float = Field(ge=0, le=1)
    regime: str = Field(
        json_schema_extra=_names(*Regime, "CRISIS_FLIGHT"), description=_EITHER_CASE
    )
    expected_return: float | None = Field(
        None, ge=-1, le=1000, description="Of the trade, simple, per horizon."
    )
    predicted_volatility: float | None = Field(None, gt=0, description="Per horizon.")
    market_data: dict[str, Any] | None = Field(None, description="Taken and not looked at.")
    baseline_pct: float | None = Field(
        None,
        ge=-1.000001,
        le=1.000001,
        description="The symbol's signed Phase 2 weight, fraction of portfolio value. Without it "
        "the signal is sized alone, with confidence 0.",
    )
    current_pct: float | None = Field(None, description="The symbol's signed weight now, fraction.")
    returns: list[float] | None = Field(
        None,
        description="Simple returns, oldest first, none below -1; older ones than the last 256 "
        "are dropped. In msgpack also packed little-endian float32.",
    )
    interval_sec: float | None = Field(None, gt=0, description="Seconds between two returns.")


class BatchBody(_Shape):
    """Signals of one decision."""

    signals: list[SignalBody] = Field(description="At most MAX_ROWS_PER_REQUEST.")


class Prediction(_Shape):
    """A target position for the signal's symbol."""

    position_pct: float = Field(ge=-1, le=1, description="Signed fraction of portfolio value.")
    confidence: float = Field(
        ge=0, le=1, description="What the caller blends it with: 0, or at least 0.5."
    )
    predicted_return: float = Field(description="Simple, per horizon.")
    predicted_volatility: float = Field(ge=0, description="Per horizon.")
    hit_probability: float | None = Field(
        None, ge=0, le=1, description="Calibrated probability that the trade pays."
    )
    reason: str | None = Field(None, description="Why the confidence is 0.")


class PredictionAnswer(Prediction):
    """One prediction and who made it."""

    model_version: str


class RowRefused(_Shape):
    """In the place of a signal that could not be answered."""

    error: str
    path: str = Field(description="Dotted path, such as signals.3.confidence.")


class BatchAnswer(_Shape):
    """One entry for each signal, in order; all of one model version."""

    predictions: list[Prediction | RowRefused]
    model_version: str


class ModelAnswer(ModelCard):
    """The card of the model that is served."""

    created: date
    loaded_at: datetime
    loaded_sec: float = Field(ge=0, description="Seconds since then.")
    previous_version: str | None = Field(description="What a rollback goes back to.")


class ReloadBody(BaseModel):
    """What to switch to; an empty body is what the folder's file ``current`` names."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    version: Annotated[str, Field(pattern=VERSION_PATTERN)] | None = None
    rollback: bool = Field(default=False, description="Back to the previous one, still in memory.")

    @model_validator(mode="after")
    def _one_wish(self) -> Self:
        if self.rollback and self.version is not None:
            raise ValueError("must name a version or ask for a rollback, not both")
        return self


class ReloadAnswer(_Shape):
    """What was served before, and what is served now."""

    old_version: str | None
    new_version: str
    rolled_back: bool


class LiveAnswer(_Shape):
    """The process runs."""

    status: Literal["alive"]


class ReadyAnswer(_Shape):
    """Whether to send requests here, and what is in the way."""

    status: Literal["ready", "not ready"]
    model_version: str | None
    trouble: list[str]


class BrokenField(_Shape):
    """One thing wrong with a request."""

    path: str
    message: str
    was: Any


class Problem(_Shape):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str | None
    errors: list[BrokenField] | None = None
