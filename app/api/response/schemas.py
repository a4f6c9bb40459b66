"""Other response bodies as the OpenAPI page shows them; the service builds the real ones."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from app.api.response.decision_schemas import ModeName


class CircuitResponse(BaseModel):
    """State of the circuit breaker."""

    state: Literal["closed", "half_open", "open"]
    mode: Literal["auto", "forced_open", "disabled"]
    failure_count: int
    consecutive_failures: int
    current_timeout_sec: float
    time_until_retry_sec: float
    total_requests: int
    total_failures: int
    total_fallbacks: int
    success_rate: float = Field(description="0 to 1; 1 when idle.")
    last_failure_reason: str | None


class RejectedOutcome(BaseModel):
    """An outcome that was not counted."""

    index: int
    reason: str


class OutcomesResponse(BaseModel):
    """What became of the outcomes."""

    accepted: int
    duplicates: int = Field(description="Counted before; each (decision, symbol) counts once.")
    rejected: list[RejectedOutcome]


class ArmResponse(BaseModel):
    """Returns of one arm, unpaired."""

    trades: int
    mean_return: float
    std_return: float
    sharpe: float = Field(description="Mean over standard deviation, not annualised.")


class PairedResponse(BaseModel):
    """Paired comparison over decisions that have both allocations; null while data are few."""

    n: int
    mean_difference: float | None
    ci_low: float | None
    ci_high: float | None
    probability_rl_better: float | None


class PerformanceResponse(BaseModel):
    """The policy against Phase 2."""

    rl: ArmResponse
    baseline: ArmResponse
    rl_advantage: float = Field(description="Difference of the unpaired means.")
    paired: PairedResponse


class IgnoredObservations(BaseModel):
    """How many symbols were ignored, by reason."""

    older: int = Field(description="Not newer than what is known.")
    ahead: int = Field(description="Stamped too far ahead of the clock.")
    no_price: int = Field(description="Null, zero or negative.")
    disbelieved: int = Field(description="Too far from the last believed price, unconfirmed.")
    no_room: int = Field(description="MARKET__MAX_SYMBOLS are tracked already.")


class ObservationsResponse(BaseModel):
    """What became of market observations; symbols are counted."""

    accepted: int
    ignored: int = Field(description="Sum of the reasons.")
    reasons: IgnoredObservations


class AcceptResponse(BaseModel):
    """The price that is believed now."""

    symbol: str
    price: float
    was: float | None = Field(description="What was believed before; null where nothing was.")


class SplitResponse(BaseModel):
    """A split that was taken into account."""

    symbol: str
    ratio: float
    bars: int = Field(description="Returns that are kept, unchanged.")


class ForgetResponse(BaseModel):
    """A symbol that was forgotten."""

    symbol: str
    bars: int = Field(description="Returns that are gone.")


class WithdrawResponse(BaseModel):
    """Outcomes that count no more."""

    withdrawn: int
    unknown: int = Field(description="Never counted, without a decision, or too old.")


class StandingSignal(BaseModel):
    """A signal in force, with the fields of its batch."""

    strategy_id: str
    symbol: str
    action: Literal["STRONG_BUY", "BUY", "SELL", "STRONG_SELL"]
    confidence: float
    risk_score: float
    regime: Literal["trending_up", "ranging", "trending_down", "high_volatility", "crisis"]
    timestamp_ns: int
    expected_return: float | None
    predicted_volatility: float | None
    signal_strength: float | None
    sentiment_score: float | None
    sentiment_confidence: float | None
    valid_for_sec: float | None
    source: str = Field(description="Where it came in: allocate.")
    until_ns: int = Field(description="Last moment at which it is in force, ns since 1970 UTC.")


class SignalsResponse(BaseModel):
    """Signals in force."""

    signals: list[StandingSignal] = Field(description="By symbol and strategy.")


class EndSignalsResponse(BaseModel):
    """How many signals stand no more."""

    ended: int


class TradingStateResponse(BaseModel):
    """The kill switch."""

    state: Literal["ACTIVE", "REDUCING", "HALTED"]
    reason: str | None
    since_ns: int = Field(description="ns since 1970 UTC; 0 when never set.")
    flatten: bool = Field(description="HALTED at zero instead of the current positions.")
    actor: str = Field(description='Name of the API key that set it; "" without keys.')
    control_version: int = Field(
        description="Switches thrown so far; a decision with a smaller one was made before."
    )
    portfolio_id: str


class CorrelationAlert(BaseModel):
    """A pair above the alert correlation."""

    symbols: tuple[str, str]
    correlation: float


class CorrelationsResponse(BaseModel):
    """Correlations as the optimisation uses them."""

    symbols: list[str] = Field(description="Order of rows and columns.")
    matrix: list[list[float]]
    joint_returns: list[list[int]] = Field(
        description="Bars that each pair has in common, 199 at most."
    )
    prior_correlation: float = Field(description="Taken for pairs with too few of them.")
    diversification_score: float | None
    alerts: list[CorrelationAlert]


class BudgetRow(BaseModel):
    """Use of one limit."""

    level: str = Field(description="position, strategy or portfolio.")
    identifier: str
    used_usd: float
    limit_usd: float
    utilization_pct: float = Field(description="Percent of the limit.")


class RiskBudgetResponse(BaseModel):
    """Use of every limit by the newest decision of this process."""

    limits: list[BudgetRow]
    settings_hash: str


class StateResponse(BaseModel):
    """Everything the service believes now; more fields may come."""

    mode: ModeName
    settings_hash: str
    params: dict[str, Any] = Field(description="Every number that decisions depend on.")
    state_version: int = Field(description="Last event of the journal.")
    trading_state: TradingStateResponse
    circuit: CircuitResponse
    policy: dict[str, Any] | None = Field(description="Counts of the policy client.")
    total_decisions: int
    rl_decisions: int
    fallback_decisions: int
    rl_usage_rate: float
    regimes: dict[str, str] = Field(description="Effective regime of each symbol.")
    strategies: dict[str, Any] = Field(description="Record of each strategy.")
    market: dict[str, Any] = Field(description="What is known of each symbol.")
    performance: PerformanceResponse


class HealthResponse(BaseModel):
    """Liveness."""

    status: Literal["alive"]


class ReadyResponse(BaseModel):
    """Readiness and what it rests on."""

    status: Literal["ready", "not ready"]
    mode: ModeName | None = None
    journal: str | None = Field(None, description="ok, or why nothing can be decided.")
    draining: bool | None = None


class ErrorEntry(BaseModel):
    """One broken field."""

    path: str = Field(description="Dotted, as in signals.0.confidence.")
    message: str
    was: Any = Field(None, description="The offending value; null where missing.")


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(description="urn:himari:problem:...")
    title: str
    status: int
    detail: str
    instance: str = Field(description="Path of the request.")
    request_id: str | None = Field(None, description="As in X-Request-ID and the log.")
    errors: list[ErrorEntry] | None = None
