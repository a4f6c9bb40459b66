"""What the service answers; written from the OpenAPI document.

`python -m tests.tools.reference.python_types` writes this file anew; a test compares it.
"""

from typing import Any, Literal, NotRequired, TypedDict


class AcceptResponse(TypedDict):
    """The price that is believed now."""

    symbol: str
    price: float
    was: float | None
    """What was believed before; null where nothing was."""


class BindingLimit(TypedDict):
    """A limit that held a size down."""

    limit: str
    """Level: position, strategy, portfolio or group."""
    id: str
    """Whose limit."""
    limit_usd: float
    requested_usd: float
    """What its members asked for in Phase 1, and what held positions are worth."""
    shadow_price: float | None
    """Gain of utility a unit if this limit alone were wider; null where it cut held positions or
    the solver gave no answer.
    """


class CurrentRisk(TypedDict):
    """Predicted risk of what is held now."""

    volatility: float
    es_95: float


class BookRisk(TypedDict):
    """Predicted risk of the targets; positions that are set apart have no part in it."""

    volatility: float
    """Standard deviation of the portfolio's return over horizon_sec, a fraction."""
    es_95: float
    """Expected loss beyond the 95 % quantile, normal, mean 0: 2.063 volatilities."""
    horizon_sec: float
    contributions: dict[str, float]
    """Share of each symbol in the variance; they sum to 1, a hedge's is negative."""
    current: CurrentRisk


class Cascade(TypedDict):
    """Assessment of the liquidation cascade."""

    risk_score: float
    """0 calm to 1."""
    recommendation: Literal["MONITOR", "REDUCE_50%", "REDUCE_75%", "EXIT"]
    """In force: tightened at once, eased after three periods."""
    score_recommendation: Literal["MONITOR", "REDUCE_50%", "REDUCE_75%", "EXIT"]
    """What the score alone says."""
    components: dict[str, float]
    """Each indicator's part, 0 to 1."""


class NoticeEntry(TypedDict):
    """A notice in one word, with its sentence, which warnings have too."""

    what: str
    symbol: str | None
    detail: str


class PolicySummary(TypedDict):
    """What became of the rows that the policy was asked."""

    asked: int
    used: int
    abstained: dict[str, int]
    """Rows below the least confidence, by the model's own reason; 10 at most, the rest under other.
    """
    unusable: int
    book: Literal["used", "abstained", "unusable", "none"]
    """Forecast of the whole book."""
    mode: Literal["live", "shadow"]
    canary: bool


class Stages(TypedDict):
    """What each stage left of a signal's size, signed USD."""

    kelly_usd: float
    """Bayesian Kelly."""
    conformal_usd: float
    """After conformal scaling."""
    sentiment_usd: float
    """After the sentiment tilt."""
    regime_usd: float
    """After the regime multiplier."""
    cascade_usd: float
    """After the cascade multiplier."""
    portfolio_usd: float
    """Share of the symbol's Phase 2 target."""
    rl_usd: float
    """Share after the blend with the policy."""
    final_usd: float
    """Share of the final target."""


class Contribution(TypedDict):
    """One signal's part of a symbol's target, or that of an owner who sent nothing."""

    strategy_id: str | None
    """null: a held part that no strategy stands behind."""
    final_usd: float
    stages: Stages


class Position(TypedDict):
    """Target and trade of one symbol."""

    symbol: str
    target_usd: float | None
    """Signed; contributions add up to it. null: set apart."""
    target_quantity: float
    """target_usd over price; whole lots where the symbol has a lot and is traded."""
    weight: float | None
    """Signed fraction of portfolio value. null: set apart."""
    current_quantity: float
    trade_quantity: float
    """target_quantity - current_quantity; whole lots where both are."""
    trade_usd: float | None
    """null where there is no price."""
    price: float | None
    """USD a unit at which the position is valued; null where there is none."""
    price_source: Literal["given", "last", "none"]
    """given: of current_prices; last: the last believed one; none: no price."""
    price_age_sec: float | None
    """Time of the batch less the price's stamp."""
    set_apart: bool
    """Held without a usable price: it keeps its quantity, counts in no limit and takes its last
    known value of the gross room of new bets.
    """
    contributions: list[Contribution]


class RejectedSignal(TypedDict):
    """A signal that was not sized."""

    index: int
    """Place in the request's signals; standing ones are named in warnings."""
    symbol: str
    reason: str


class AllocateResponse(TypedDict):
    """A decision, with the policy's allocation and the baseline's."""

    decision_id: str
    strategy: Literal["rl", "fallback"]
    """rl: at least one prediction was used."""
    fallback_reason: str | None
    """Why no prediction was used: rl_disabled, circuit_open, timeout, connection_error, bad_status,
    invalid_prediction, low_confidence, overloaded, empty_batch.
    """
    mode: Literal["fallback", "mock", "real"]
    allocations: dict[str, float]
    """Signed target of each symbol, USD."""
    baseline_allocations: dict[str, float]
    """The same without the policy."""
    positions: list[Position]
    total_allocated_usd: float
    """Gross: sum of absolute targets."""
    net_usd: float
    portfolio_value: float
    """USD that is used: the given one, or the last believed one."""
    utilization_pct: float
    """Gross over portfolio value, percent."""
    strategy_weights: dict[str, float]
    """Share of each strategy, sum 1."""
    drifted_strategies: list[str]
    max_drift_pct: float
    """Largest relative drift, percent."""
    correlation_penalties: dict[str, float]
    """Phase 2 over Phase 1 size."""
    binding_limits: list[BindingLimit]
    """Limits that cut Phase 2's sizes or held positions; (limit, id) is unique. What limits cut
    from the policy's targets is the difference of rl_usd and its target.
    """
    rejected_signals: list[RejectedSignal]
    warnings: list[str]
    cascade: Cascade
    risk: BookRisk
    policy: PolicySummary
    portfolio_id: str
    trading_state: Literal["ACTIVE", "REDUCING", "HALTED"]
    """In effect when it was decided."""
    control_version: int
    """Switches thrown until it was decided; a smaller one than that of a PUT is of before it."""
    set_apart_usd: float
    """What positions without a price take of the gross room of new bets."""
    notices: list[NoticeEntry]
    regime: str
    """The most defensive regime of the batch."""
    circuit_state: str
    """closed, half_open or open."""
    model_version: str | None
    settings_hash: str
    """Of the parameters in force, as in GET /state."""
    latency_ms: float
    timestamp_ns: int
    """When decided, ns since 1970 UTC."""


class ArmResponse(TypedDict):
    """Returns of one arm, unpaired."""

    trades: int
    mean_return: float
    std_return: float
    sharpe: float
    """Mean over standard deviation, not annualised."""


class BudgetRow(TypedDict):
    """Use of one limit."""

    level: str
    """position, strategy or portfolio."""
    identifier: str
    used_usd: float
    limit_usd: float
    utilization_pct: float
    """Percent of the limit."""


class CircuitResponse(TypedDict):
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
    success_rate: float
    """0 to 1; 1 when idle."""
    last_failure_reason: str | None


class CorrelationAlert(TypedDict):
    """A pair above the alert correlation."""

    symbols: list[str]
    correlation: float


class CorrelationsResponse(TypedDict):
    """Correlations as the optimisation uses them."""

    symbols: list[str]
    """Order of rows and columns."""
    matrix: list[list[float]]
    joint_returns: list[list[int]]
    """Bars that each pair has in common, 199 at most."""
    prior_correlation: float
    """Taken for pairs with too few of them."""
    diversification_score: float | None
    alerts: list[CorrelationAlert]


class JournalledDecision(TypedDict):
    """A decision as the journal has it."""

    decision_id: str
    seq: int
    """Place in the journal, from 1."""
    journalled_ns: int
    request_id: NotRequired[str | None]
    """X-Request-ID of the request that asked for it; null: none."""
    state_version: int
    """Last event that the decision knew."""
    request: dict[str, Any]
    """The batch, validated; `standing` are the signals in force beside its own."""
    policy: dict[str, Any] | None
    """What the policy answered."""
    answer: AllocateResponse


class DecisionsResponse(TypedDict):
    """A page of the journal, newest first."""

    decisions: list[JournalledDecision]
    next_before_seq: int | None
    """before_seq of the next page; null: no more."""


class EndSignalsResponse(TypedDict):
    """How many signals stand no more."""

    ended: int


class ErrorEntry(TypedDict):
    """One broken field."""

    path: str
    """Dotted, as in signals.0.confidence."""
    message: str
    was: NotRequired[Any]
    """The offending value; null where missing."""


class ForgetResponse(TypedDict):
    """A symbol that was forgotten."""

    symbol: str
    bars: int
    """Returns that are gone."""


class HealthResponse(TypedDict):
    """Liveness."""

    status: Literal["alive"]


class IgnoredObservations(TypedDict):
    """How many symbols were ignored, by reason."""

    older: int
    """Not newer than what is known."""
    ahead: int
    """Stamped too far ahead of the clock."""
    no_price: int
    """Null, zero or negative."""
    disbelieved: int
    """Too far from the last believed price, unconfirmed."""
    no_room: int
    """MARKET__MAX_SYMBOLS are tracked already."""


class ObservationsResponse(TypedDict):
    """What became of market observations; symbols are counted."""

    accepted: int
    ignored: int
    """Sum of the reasons."""
    reasons: IgnoredObservations


class RejectedOutcome(TypedDict):
    """An outcome that was not counted."""

    index: int
    reason: str


class OutcomesResponse(TypedDict):
    """What became of the outcomes."""

    accepted: int
    duplicates: int
    """Counted before; each (decision, symbol) counts once."""
    rejected: list[RejectedOutcome]


class PairedResponse(TypedDict):
    """Paired comparison over decisions that have both allocations; null while data are few."""

    n: int
    mean_difference: float | None
    ci_low: float | None
    ci_high: float | None
    probability_rl_better: float | None


class PerformanceResponse(TypedDict):
    """The policy against Phase 2."""

    rl: ArmResponse
    baseline: ArmResponse
    rl_advantage: float
    """Difference of the unpaired means."""
    paired: PairedResponse


class Problem(TypedDict):
    """RFC 9457 problem details."""

    type: str
    """urn:himari:problem:..."""
    title: str
    status: int
    detail: str
    instance: str
    """Path of the request."""
    request_id: NotRequired[str | None]
    """As in X-Request-ID and the log."""
    errors: NotRequired[list[ErrorEntry] | None]


class ReadyResponse(TypedDict):
    """Readiness and what it rests on."""

    status: Literal["ready", "not ready"]
    mode: NotRequired[Literal["fallback", "mock", "real"] | None]
    journal: NotRequired[str | None]
    """ok, or why nothing can be decided."""
    draining: NotRequired[bool | None]


class RiskBudgetResponse(TypedDict):
    """Use of every limit by the newest decision of this process."""

    limits: list[BudgetRow]
    settings_hash: str


class StandingSignal(TypedDict):
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
    source: str
    """Where it came in: allocate."""
    until_ns: int
    """Last moment at which it is in force, ns since 1970 UTC."""


class SignalsResponse(TypedDict):
    """Signals in force."""

    signals: list[StandingSignal]
    """By symbol and strategy."""


class SplitResponse(TypedDict):
    """A split that was taken into account."""

    symbol: str
    ratio: float
    bars: int
    """Returns that are kept, unchanged."""


class TradingStateResponse(TypedDict):
    """The kill switch."""

    state: Literal["ACTIVE", "REDUCING", "HALTED"]
    reason: str | None
    since_ns: int
    """ns since 1970 UTC; 0 when never set."""
    flatten: bool
    """HALTED at zero instead of the current positions."""
    actor: str
    """Name of the API key that set it; "" without keys."""
    control_version: int
    """Switches thrown so far; a decision with a smaller one was made before."""
    portfolio_id: str


class StateResponse(TypedDict):
    """Everything the service believes now; more fields may come."""

    mode: Literal["fallback", "mock", "real"]
    settings_hash: str
    params: dict[str, Any]
    """Every number that decisions depend on."""
    state_version: int
    """Last event of the journal."""
    trading_state: TradingStateResponse
    circuit: CircuitResponse
    policy: dict[str, Any] | None
    """Counts of the policy client."""
    total_decisions: int
    rl_decisions: int
    fallback_decisions: int
    rl_usage_rate: float
    regimes: dict[str, str]
    """Effective regime of each symbol."""
    strategies: dict[str, Any]
    """Record of each strategy."""
    market: dict[str, Any]
    """What is known of each symbol."""
    performance: PerformanceResponse


class WithdrawResponse(TypedDict):
    """Outcomes that count no more."""

    withdrawn: int
    unknown: int
    """Never counted, without a decision, or too old."""
