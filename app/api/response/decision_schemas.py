"""Decisions as the OpenAPI page shows them: the answer to a batch, and the journal's entries."""

from typing import Any, Literal

from pydantic import BaseModel, Field

StrategyName = Literal["rl", "fallback"]
ModeName = Literal["fallback", "mock", "real"]
Recommendation = Literal["MONITOR", "REDUCE_50%", "REDUCE_75%", "EXIT"]


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
    """One signal's part of a symbol's target, or that of an owner who sent nothing."""

    strategy_id: str | None = Field(description="null: a held part that no strategy stands behind.")
    final_usd: float
    stages: Stages


class Position(BaseModel):
    """Target and trade of one symbol."""

    symbol: str
    target_usd: float | None = Field(
        description="Signed; contributions add up to it. null: set apart."
    )
    target_quantity: float = Field(
        description="target_usd over price; whole lots where the symbol has a lot and is traded."
    )
    weight: float | None = Field(description="Signed fraction of portfolio value. null: set apart.")
    current_quantity: float
    trade_quantity: float = Field(
        description="target_quantity - current_quantity; whole lots where both are."
    )
    trade_usd: float | None = Field(description="null where there is no price.")
    price: float | None = Field(
        description="USD a unit at which the position is valued; null where there is none."
    )
    price_source: Literal["given", "last", "none"] = Field(
        description="given: of current_prices; last: the last believed one; none: no price."
    )
    price_age_sec: float | None = Field(description="Time of the batch less the price's stamp.")
    set_apart: bool = Field(
        description="Held without a usable price: it keeps its quantity, counts in no limit and "
        "takes its last known value of the gross room of new bets."
    )
    contributions: list[Contribution]


class BindingLimit(BaseModel):
    """A limit that held a size down."""

    limit: str = Field(description="Level: position, strategy, portfolio or group.")
    id: str = Field(description="Whose limit.")
    limit_usd: float
    requested_usd: float = Field(
        description="What its members asked for in Phase 1, and what held positions are worth."
    )
    shadow_price: float | None = Field(
        description="Gain of utility a unit if this limit alone were wider; null where it cut held "
        "positions or the solver gave no answer."
    )


class RejectedSignal(BaseModel):
    """A signal that was not sized."""

    index: int = Field(
        description="Place in the request's signals; standing ones are named in warnings."
    )
    symbol: str
    reason: str


class Cascade(BaseModel):
    """Assessment of the liquidation cascade."""

    risk_score: float = Field(description="0 calm to 1.")
    recommendation: Recommendation = Field(
        description="In force: tightened at once, eased after three periods."
    )
    score_recommendation: Recommendation = Field(description="What the score alone says.")
    components: dict[str, float] = Field(description="Each indicator's part, 0 to 1.")


class CurrentRisk(BaseModel):
    """Predicted risk of what is held now."""

    volatility: float
    es_95: float


class BookRisk(BaseModel):
    """Predicted risk of the targets; positions that are set apart have no part in it."""

    volatility: float = Field(
        description="Standard deviation of the portfolio's return over horizon_sec, a fraction."
    )
    es_95: float = Field(
        description="Expected loss beyond the 95 % quantile, normal, mean 0: 2.063 volatilities."
    )
    horizon_sec: float
    contributions: dict[str, float] = Field(
        description="Share of each symbol in the variance; they sum to 1, a hedge's is negative."
    )
    current: CurrentRisk


class PolicySummary(BaseModel):
    """What became of the rows that the policy was asked."""

    asked: int
    used: int
    abstained: dict[str, int] = Field(
        description="Rows below the least confidence, by the model's own reason; 10 at most, the "
        "rest under other."
    )
    unusable: int
    book: Literal["used", "abstained", "unusable", "none"] = Field(
        description="Forecast of the whole book."
    )
    mode: Literal["live", "shadow"]
    canary: bool


class NoticeEntry(BaseModel):
    """A notice in one word, with its sentence, which warnings have too."""

    what: str
    symbol: str | None
    detail: str


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
    portfolio_value: float = Field(
        description="USD that is used: the given one, or the last believed one."
    )
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
    risk: BookRisk
    policy: PolicySummary
    portfolio_id: str
    trading_state: Literal["ACTIVE", "REDUCING", "HALTED"] = Field(
        description="In effect when it was decided."
    )
    control_version: int = Field(
        description="Switches thrown until it was decided; a smaller one than that of a PUT is of "
        "before it."
    )
    set_apart_usd: float = Field(
        description="What positions without a price take of the gross room of new bets."
    )
    notices: list[NoticeEntry]
    regime: str = Field(description="The most defensive regime of the batch.")
    circuit_state: str = Field(description="closed, half_open or open.")
    model_version: str | None
    settings_hash: str = Field(description="Of the parameters in force, as in GET /state.")
    latency_ms: float
    timestamp_ns: int = Field(description="When decided, ns since 1970 UTC.")


class JournalledDecision(BaseModel):
    """A decision as the journal has it."""

    decision_id: str
    seq: int = Field(description="Place in the journal, from 1.")
    journalled_ns: int
    request_id: str | None = Field(
        None, description="X-Request-ID of the request that asked for it; null: none."
    )
    state_version: int = Field(description="Last event that the decision knew.")
    request: dict[str, Any] = Field(
        description="The batch, validated; `standing` are the signals in force beside its own."
    )
    policy: dict[str, Any] | None = Field(description="What the policy answered.")
    answer: AllocateResponse


class DecisionsResponse(BaseModel):
    """A page of the journal, newest first."""

    decisions: list[JournalledDecision]
    next_before_seq: int | None = Field(description="before_seq of the next page; null: no more.")
