"""Request bodies of the contract, and their conversion to the core's types.

Signals and outcomes are validated straight into the core's dataclasses: one object per row instead
of two, 40 % of the cost of a batch.
"""

from typing import Annotated, Any, ClassVar, Final, TypeVar

from pydantic import BaseModel, Field, GetPydanticSchema, PlainValidator, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from app.api.request import examples
from app.api.request.fields import (
    ActionName,
    Body,
    Finite,
    Flag,
    Fraction,
    GivenReason,
    Id,
    Nanoseconds,
    OptionalStateName,
    Positive,
    Reason,
    RegimeName,
    SignedFraction,
    SimpleReturn,
    StateName,
    enum_by_name,
)
from app.core.params import EngineParams
from app.core.policy.circuit import BreakerMode
from app.core.types import Batch, CascadeIndicators, Outcome, Signal

Row = TypeVar("Row")


def _validated_into(row: type[Row], shape: type[BaseModel]) -> GetPydanticSchema:
    """Validate a JSON object by ``shape``'s fields, build the frozen dataclass ``row`` of it."""
    fields: dict[str, Any] = shape.__pydantic_core_schema__["schema"]["fields"]
    arguments = [
        core_schema.dataclass_field(name, field["schema"], metadata=field["metadata"])
        for name, field in fields.items()
    ]

    def schema(_source: Any, _handler: Any) -> CoreSchema:
        return core_schema.dataclass_schema(
            row,
            core_schema.dataclass_args_schema(row.__name__, arguments, extra_behavior="forbid"),
            list(fields),
            frozen=True,
            slots=True,
            metadata={
                "pydantic_js_updates": {
                    "additionalProperties": False,
                    "description": shape.__doc__,
                }
            },
        )

    return GetPydanticSchema(schema)


class SignalBody(Body):
    """One strategy's view of one symbol."""

    strategy_id: Id = Field(description="Who signals; any name of the caller's choosing.")
    symbol: Id = Field(description="Instrument, as in current_prices.", examples=["BTC-USD"])
    action: ActionName = Field(description="What the strategy wants done, in either case.")
    confidence: Fraction = Field(description="Weight of the claim, 0 to 1.")
    risk_score: Fraction = Field(description="For journal and model only, 0 to 1.")
    regime: RegimeName = Field(description="Market regime of the symbol, in either case.")
    timestamp_ns: Nanoseconds = Field(
        description="When the signal was made, ns since 1970 UTC; at most SIGNALS__MAX_AHEAD_SEC"
        " ahead of the clock, else the signal is rejected."
    )
    expected_return: Finite | None = Field(
        None, description="Return of the trade over its horizon; positive is favourable."
    )
    predicted_volatility: Positive | None = Field(
        None, description="Standard deviation of the return over the same horizon."
    )
    signal_strength: Finite | None = Field(None, description="For journal and model only.")
    sentiment_score: Fraction | None = Field(None, description="0 bearish to 1 bullish.")
    sentiment_confidence: Fraction | None = Field(None, description="Weight of the score.")
    horizon_sec: Positive | None = Field(
        None,
        description="Horizon of both claims and of the outcome, seconds; SIGNALS__HORIZON_SEC where"
        " absent or null.",
    )
    valid_for_sec: Annotated[Finite, Field(ge=0)] | None = Field(
        None,
        description="With SIGNALS__STANDING: how long it stays in force, from its stamp on;"
        " SIGNALS__VALID_FOR_SEC where absent. It never refuses a signal.",
    )


class OutcomeBody(Body):
    """One realised return."""

    symbol: Id = Field(description="Instrument.")
    realized_return: SimpleReturn = Field(
        description="The symbol's own simple return over the decision's horizon, >= -1."
    )
    decision_id: Id | None = Field(None, description="The decision it belongs to, if known.")
    used_rl: Flag | None = Field(
        None, description="Without decision_id: whether the trade followed the policy."
    )
    strategy_id: Id | None = Field(
        None, description="Without decision_id: whose record it feeds, with both predictions."
    )
    predicted_return: Finite | None = Field(None, description="What had been expected.")
    predicted_volatility: Positive | None = Field(None, description="Over the same horizon.")


SignalRow = Annotated[Signal, _validated_into(Signal, SignalBody)]
OutcomeRow = Annotated[Outcome, _validated_into(Outcome, OutcomeBody)]


class CascadeBody(Body):
    """What announces a liquidation cascade; fields left out take a calm market's value."""

    funding_rate: SignedFraction = Field(0.0, description="Perpetual funding rate.")
    oi_change_pct: SignedFraction = Field(0.0, description="Change of open interest, fraction.")
    volume_ratio: Annotated[Finite, Field(ge=0)] = Field(
        1.0, description="Volume over its usual level."
    )
    onchain_whale_pressure: Fraction = Field(0.0, description="Selling pressure of whales.")
    exchange_netflow_zscore: Annotated[Finite, Field(ge=-10, le=10)] = Field(
        0.0, description="Net flow to exchanges in standard deviations."
    )

    def to_indicators(self) -> CascadeIndicators:
        """Build the core's indicators."""
        return CascadeIndicators(**self.__dict__)

    def left_out(self) -> tuple[str, ...]:
        """Name the fields that took their calm default."""
        given = self.model_fields_set
        if len(given) == len(_INDICATORS):
            return ()
        return tuple(name for name in _INDICATORS if name not in given)


_INDICATORS: Final = tuple(CascadeBody.model_fields)


class AllocateRequest(Body):
    """One batch of signals to size."""

    openapi_examples: ClassVar = {"one_signal": examples.ALLOCATE}
    signals: list[SignalRow] = Field(
        description="May be empty; the order does not matter. With SIGNALS__STANDING each replaces"
        " what stood for its strategy and symbol, HOLD ends it, and what stands of all others is"
        " sized with them."
    )
    cascade_indicators: CascadeBody
    current_prices: dict[Id, Finite | None] = Field(
        description="Price of each symbol in USD a unit; of a contract price x multiplier. One"
        " that is null, zero or negative is none of that symbol: the last believed one counts, if"
        " it is not too old; else its signals are rejected and its position is set apart, or"
        " closed where that is asked for."
    )
    portfolio_value: Positive | None = Field(
        None,
        description="USD; the setting PORTFOLIO_VALUE where absent or null. One that is too far"
        " from the last believed one is not used.",
    )
    current_positions: dict[Id, Finite] | None = Field(
        None,
        description="Signed quantity of each symbol, no cash among them: it would count as a "
        "position; absent or null means flat.",
    )
    market_data: dict[str, Any] | None = Field(
        None, description="Any JSON object, for journal and model; at most 64 levels deep."
    )

    portfolio_id: Id | None = Field(
        None, description="`default` where absent; agrees with the header Himari-Portfolio."
    )

    def to_batch(self, received_ns: int, params: EngineParams) -> Batch:
        """Build what the core sizes.

        Parameters
        ----------
        received_ns : int
            Wall clock at receipt, ns since 1970 UTC.
        params : EngineParams
            Portfolio value where the request names none, and how far ahead a stamp may be.
        """
        value = self.portfolio_value
        ahead_ns = round(params.signals.max_ahead_sec * 1e9)
        return Batch(
            signals=tuple(self.signals),
            cascade=self.cascade_indicators.to_indicators(),
            prices=self.current_prices,
            portfolio_value=params.portfolio_value if value is None else value,
            received_ns=received_ns,
            positions=self.current_positions,
            market_data=self.market_data or {},
            calm_by_default=self.cascade_indicators.left_out(),
            stamps_until_ns=received_ns + ahead_ns,
            value_given=value is not None,
        )


class OutcomesRequest(Body):
    """Realised returns, each counted once."""

    openapi_examples: ClassVar = {"paired": examples.OUTCOMES, "unpaired": examples.UNPAIRED}
    outcomes: list[OutcomeRow]


_STAMP: Final = (
    "ns since 1970 UTC, from 2000 on. One ahead of the clock counts as now, and further than "
    "SIGNALS__MAX_AHEAD_SEC not at all."
)


class ReturnsRequest(Body):
    """Returns of one moment; counted once per symbol and timestamp, older ones ignored."""

    openapi_examples: ClassVar = {"returns": examples.RETURNS}
    timestamp_ns: Nanoseconds = Field(description=_STAMP)
    returns: dict[Id, SimpleReturn] = Field(description="Simple return of each symbol, >= -1.")


class PricesRequest(Body):
    """Prices of one moment; counted once per symbol and timestamp, older ones ignored."""

    openapi_examples: ClassVar = {"prices": examples.PRICES}
    timestamp_ns: Nanoseconds = Field(description=_STAMP)
    prices: dict[Id, Finite | None] = Field(
        description="Price of each symbol in USD; null, 0 or less says that there is none."
    )


class CorrectionBody(Body):
    """An operator's word on what is believed: of which book, and why."""

    portfolio_id: Id | None = Field(None, description="The book; absent or null is `default`.")
    reason: GivenReason = Field(description="Why; kept in the journal.")


class AcceptRequest(CorrectionBody):
    """A price that is to be believed."""

    openapi_examples: ClassVar = {"accept": examples.ACCEPT}
    symbol: Id = Field(description="Instrument that is known.")
    price: Positive = Field(description="USD a unit.")


class SplitRequest(CorrectionBody):
    """A split of a symbol."""

    openapi_examples: ClassVar = {"split": examples.SPLIT}
    symbol: Id = Field(description="Instrument that is known.")
    ratio: Positive = Field(description="New units per old one; past prices are divided by it.")


class ForgetRequest(CorrectionBody):
    """A symbol whose prices and returns are to be forgotten."""

    openapi_examples: ClassVar = {"forget": examples.FORGET}
    symbol: Id = Field(description="Instrument that is known.")


class WithdrawnOutcome(Body):
    """An outcome by its decision and symbol."""

    decision_id: Id = Field(description="The decision that it was posted to.")
    symbol: Id = Field(description="Instrument.")


class WithdrawRequest(CorrectionBody):
    """Outcomes that are to count as if they had never been posted."""

    openapi_examples: ClassVar = {"withdraw": examples.WITHDRAW}
    outcomes: list[WithdrawnOutcome]


class TradingStateRequest(Body):
    """The kill switch."""

    openapi_examples: ClassVar = {"halt": examples.HALT}
    state: StateName = Field(description="ACTIVE, REDUCING or HALTED, in either case.")
    reason: Reason | None = Field(None, description="Why; kept in the journal.")
    flatten: Flag = Field(
        default=False, description="With HALTED: every target is zero, not the current position."
    )
    rebase: Flag = Field(
        default=False,
        description="Let the brakes forget peak, last value and day, as after a withdrawal.",
    )
    if_state_is: OptionalStateName = Field(
        None, description="Change nothing and answer 409 unless this state is in effect."
    )
    portfolio_id: Id | None = Field(
        None, description="Act on this portfolio; on all of them where absent."
    )


_MODES: Final = {mode.name: mode for mode in BreakerMode}


class CircuitModeRequest(Body):
    """The breaker's mode."""

    openapi_examples: ClassVar = {"open": examples.FORCED_OPEN}
    mode: Annotated[
        BreakerMode,
        PlainValidator(enum_by_name(_MODES)),
        WithJsonSchema({"type": "string", "enum": [mode.value for mode in BreakerMode]}),
    ] = Field(description="auto, forced_open (no calls) or disabled (all calls).")
    reason: Reason | None = Field(None, description="Why; kept in the journal.")


class ReasonRequest(Body):
    """An optional reason."""

    openapi_examples: ClassVar = {"reason": examples.RESET}
    reason: Reason | None = Field(None, description="Why; kept in the journal.")
