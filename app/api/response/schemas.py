"""Response bodies as the OpenAPI page shows them; the service builds the real ones."""

from typing import Any, Literal

from pydantic import BaseModel, Field

StrategyName = Literal["rl", "fallback"]
ModeName = Literal["fallback", "mock", "real"]


class Stages(BaseModel):
    """What each stage left of a signal's size, signed USD."""

    kelly_usd: float = Field(description="Bayesian Kelly.")
    conformal_usd: float = Field(description="After conformal scaling.")
    sentiment_usd: float = Field(description="After the sentiment tilt.")
    regime_usd: float = Field(description="After the regime multiplier.")
    cascade_usd: float = Field(description="After the cascade multiplier.")
    portfolio_usd: float = Field(description="Share of the symbol's Phase 2 target.")
    rl_usd: float = Field(description="Share after the blend with the policy.")
    final_usd: float = Field(description="Share of the final target.")


class Contribution(BaseModel):
    """One signal's part of a symbol's target."""

    strategy_id: str | None = Field(description="null: a held part that no strategy stands behind.")
    final_usd: float
    stages: Stages


class Position(BaseModel):
    """Target and trade of one symbol."""

    symbol: str
    target_usd: float = Field(description="Signed; contributions add up to it.")
    target_quantity: float = Field(description="target_usd over price.")
    weight: float = Field(description="Signed fraction of portfolio value.")
    current_quantity: float
    trade_quantity: float = Field(description="target_quantity - current_quantity.")
    trade_usd: float
    contributions: list[Contribution]


class BindingLimit(BaseModel):
    """A limit that held a size down."""

    limit: str = Field(description="Level: position, strategy, portfolio or group.")
    id: str = Field(description="Whose limit.")
    limit_usd: float
    requested_usd: float = Field(
        description="What its members asked for in Phase 1, and what held positions are worth."
    )
    shadow_price: float = Field(description="Gain in utility per unit of room; 0 where unknown.")


class RejectedSignal(BaseModel):
    """A signal that was not sized."""

    index: int = Field(description="Place in the request's signals.")
    symbol: str
    reason: str


class Cascade(BaseModel):
    """Assessment of the liquidation cascade."""

    risk_score: float = Field(description="0 calm to 1.")
    recommendation: Literal["MONITOR", "REDUCE_50%", "REDUCE_75%", "EXIT"]
    components: dict[str, float] = Field(description="Each indicator's part, 0 to 1.")


class AllocateResponse(BaseModel):
    """A decision, with the policy's allocation and the baseline's."""

    decision_id: str
    strategy: StrategyName = Field(description="rl: at least one prediction was used.")
    fallback_reason: str | None = Field(
        description="Why no prediction was used: rl_disabled, circuit_open, timeout, "
        "connection_error, bad_status, invalid_prediction, low_confidence, overloaded, "
        "empty_batch."
    )
    mode: ModeName
    allocations: dict[str, float] = Field(description="Signed target of each symbol, USD.")
    baseline_allocations: dict[str, float] = Field(description="The same without the policy.")
    positions: list[Position]
    total_allocated_usd: float = Field(description="Gross: sum of absolute targets.")
    net_usd: float
    portfolio_value: float = Field(description="USD.")
    utilization_pct: float = Field(description="Gross over portfolio value, percent.")
    strategy_weights: dict[str, float] = Field(description="Share of each strategy, sum 1.")
    drifted_strategies: list[str]
    max_drift_pct: float = Field(description="Largest relative drift, percent.")
    correlation_penalties: dict[str, float] = Field(description="Phase 2 over Phase 1 size.")
    binding_limits: list[BindingLimit] = Field(
        description="Limits that cut Phase 2's sizes or held positions; (limit, id) is unique. "
        "What limits cut from the policy's targets is the difference of rl_usd and its target."
    )
    rejected_signals: list[RejectedSignal]
    warnings: list[str]
    cascade: Cascade
    regime: str = Field(description="The most defensive regime of the batch.")
    circuit_state: str = Field(description="closed, half_open or open.")
    model_version: str | None
    latency_ms: float
    timestamp_ns: int = Field(description="When decided, ns since 1970 UTC.")


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


class ObservationsResponse(BaseModel):
    """What became of market observations."""

    accepted: int
    ignored: int = Field(description="Known already, or older than what is known.")


class TradingStateResponse(BaseModel):
    """The kill switch."""

    state: Literal["ACTIVE", "REDUCING", "HALTED"]
    reason: str | None
    since_ns: int = Field(description="ns since 1970 UTC; 0 when never set.")
    flatten: bool = Field(description="HALTED at zero instead of the current positions.")
    actor: str = Field(description='Name of the API key that set it; "" without keys.')


class CorrelationAlert(BaseModel):
    """A pair above the alert correlation."""

    symbols: tuple[str, str]
    correlation: float


class CorrelationsResponse(BaseModel):
    """Correlations as the optimisation uses them."""

    symbols: list[str] = Field(description="Order of rows and columns.")
    matrix: list[list[float]]
    joint_returns: list[list[int]] = Field(description="Returns that each pair has in common.")
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


class JournalledDecision(BaseModel):
    """A decision as the journal has it."""

    decision_id: str
    seq: int = Field(description="Place in the journal, from 1.")
    journalled_ns: int
    state_version: int = Field(description="Last event that the decision knew.")
    request: dict[str, Any] = Field(description="The batch, validated.")
    policy: dict[str, Any] | None = Field(description="What the policy answered.")
    answer: AllocateResponse


class DecisionsResponse(BaseModel):
    """A page of the journal, newest first."""

    decisions: list[JournalledDecision]
    next_before_seq: int | None = Field(description="before_seq of the next page; null: no more.")


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
