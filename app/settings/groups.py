"""Nested groups of settings: the tunable numbers of each stage, with unit, default and reason.

Each group becomes the core's ``*Params`` of the same name; a test holds both to the same defaults.
"""

from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

from app.settings import values

Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(gt=0, lt=1)]
Multiplier = Annotated[float, Field(ge=0, le=2)]
Amount = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Caps = dict[Annotated[str, Field(min_length=1)], Annotated[float, Field(ge=0, le=1)]]
Amounts = dict[Annotated[str, Field(min_length=1)], Amount]


def refuse_boolean(annotation: Any, value: Any) -> Any:
    """Refuse ``true`` where a number is due; a lax parser would read it as 1."""
    if isinstance(value, bool) and annotation is not bool:
        raise ValueError("must be a number or text, not a boolean")
    return value


class Group(BaseModel):
    """A nested group: frozen, unknown keys refused, nothing NaN or infinite."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_number(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[info.field_name or ""]
        return refuse_boolean(field.annotation, value)


class KellyGroup(Group):
    """Bayesian Kelly besides its fraction."""

    prior_observations: Positive = Field(
        20.0, description="What the claimed return is worth, in outcomes; about a month of days."
    )
    prior_wins: Positive = Field(10.0, description="Wins of the Beta prior, count; no opinion.")
    prior_losses: Positive = Field(10.0, description="Losses of the Beta prior, count.")
    min_edge: Amount = Field(
        0.0, description="Least expected return that is sized, per horizon; off."
    )
    min_win_rate: Share = Field(0.45, description="Least believed win rate, fraction.")
    max_size_pct: Annotated[float, Field(gt=0, le=1)] = Field(
        0.50, description="Largest Phase 1 size of one signal, fraction of portfolio value."
    )


class ConformalGroup(Group):
    """Adaptive conformal scaling."""

    coverage: Annotated[float, Field(gt=0.5, lt=1)] = Field(
        0.90, description="Share of outcomes within the interval, fraction."
    )
    step: Annotated[float, Field(gt=0, le=0.5)] = Field(
        0.005, description="Step of the level per outcome; small, so coverage is steady."
    )
    window: int = Field(200, ge=10, le=10_000, description="Residuals kept by strategy, count.")
    active_from: int = Field(20, ge=1, description="Residuals before it scales, count.")
    normal_quantile: Positive = Field(
        1.645, description="Quantile at which volatility is taken at its word: normal, 90 %."
    )
    max_miscoverage: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.5, description="Largest adapted miscoverage, fraction; beyond it the tail says nothing."
    )


class SentimentGroup(Group):
    """Tilt by sentiment."""

    max_tilt: Share = Field(0.15, description="Largest change of size, fraction.")
    full_distance: Annotated[float, Field(gt=0, le=1)] = Field(
        0.4, description="Distance from the neutral zone that earns the whole tilt, score."
    )
    neutral_low: Share = Field(0.4, description="Below it bearish, score.")
    neutral_high: Share = Field(0.6, description="Above it bullish, score.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.neutral_low > self.neutral_high:
            raise ValueError("neutral_low must be <= neutral_high")
        return self


class RegimeGroup(Group):
    """Size multipliers of a long by regime; trends are mirrored for shorts."""

    trending_up: Multiplier = Field(1.2, description="Multiplier.")
    ranging: Multiplier = Field(1.0, description="Multiplier.")
    trending_down: Multiplier = Field(0.8, description="Multiplier.")
    high_volatility: Multiplier = Field(0.6, description="Multiplier.")
    crisis: Multiplier = Field(0.2, description="Multiplier.")
    confirmations: int = Field(
        3, ge=1, le=1000, description="Periods that a change needs, count; fewer flip falsely."
    )


class CascadeGroup(Group):
    """Score of a liquidation cascade above which it acts."""

    exit_above: Share = Field(0.8, description="EXIT: every target is zero, score.")
    reduce_75_above: Share = Field(0.6, description="REDUCE_75%, score.")
    reduce_50_above: Share = Field(0.4, description="REDUCE_50%, score.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.reduce_50_above <= self.reduce_75_above <= self.exit_above:
            raise ValueError("must be ordered: reduce_50_above <= reduce_75_above <= exit_above")
        return self


class MarketGroup(Group):
    """Memory of prices, correlation estimate."""

    history: int = Field(256, ge=20, le=10_000, description="Returns kept by symbol, count.")
    max_symbols: int = Field(
        2048, ge=1, le=100_000, description="Symbols remembered, count; bounds memory."
    )
    volatility_decay: Decay = Field(0.94, description="EWMA of variance, per return.")
    correlation_decay: Decay = Field(0.99, description="EWMA of correlation, per return.")
    min_joint_returns: int = Field(
        20, ge=2, description="Joint returns before a pair is believed, count."
    )
    prior_correlation: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.5, description="Correlation of pairs that are not known yet; cautious."
    )
    min_eigenvalue: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        1e-4, description="Least eigenvalue of the correlation matrix."
    )
    default_volatility: Positive = Field(
        0.05, description="Where neither claim nor history is there, per horizon."
    )
    alert_correlation: Share = Field(0.8, description="Correlation of a pair that is an alert.")
    factors: int = Field(10, ge=1, le=100, description="Factors of the risk model, count.")
    factor_refresh: int = Field(5, ge=1, description="New returns between two factor fits, count.")
    dense_up_to: int = Field(
        100, ge=1, le=1000, description="Symbols up to which the dense solver is faster, count."
    )


class LimitsGroup(Group):
    """Further caps; JSON objects in the environment."""

    symbol_caps: Caps = Field(
        default_factory=dict, description="Own cap of a symbol, fraction of portfolio value."
    )
    group_caps: Caps = Field(
        default_factory=dict, description="Cap on the gross of a group, fraction."
    )
    groups: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Members of each group, symbols."
    )

    @model_validator(mode="after")
    def _groups_known(self) -> Self:
        unknown = sorted(self.group_caps.keys() - self.groups.keys())
        if unknown:
            raise ValueError(f"group_caps names groups without members: {', '.join(unknown)}")
        return self


class TradingGroup(Group):
    """How targets become trades; all off by default."""

    cost_pct: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Cost of a trade in the optimisation, fraction of what is traded."
    )
    no_trade_band_pct: Share = Field(
        0.0, description="Changes of weight below it are not traded, fraction."
    )
    lot_sizes: Amounts = Field(default_factory=dict, description="Lot of each symbol, units.")
    min_notional_usd: Amounts = Field(
        default_factory=dict, description="Least trade of each symbol, USD."
    )
    default_lot_size: Amount = Field(0.0, description="Lot of other symbols, units.")
    default_min_notional_usd: Amount = Field(0.0, description="Least trade of others, USD.")
    max_signal_age_sec: Amount = Field(
        0.0, description="Older signals are rejected, seconds; 0: age never refuses."
    )


class BrakesGroup(Group):
    """Brakes on the whole portfolio; 0 is off."""

    volatility_target: Amount = Field(0.0, description="Portfolio volatility per horizon.")
    drawdown_from: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Drawdown at which the brake acts, fraction."
    )
    drawdown_multiplier: Share = Field(0.5, description="What it leaves of sizes and limits.")
    daily_loss_from: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Loss of a UTC day from which nothing may grow until it ends, fraction."
    )
    collapse_below: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0,
        description="Portfolio value below this part of the last one is not believed, fraction.",
    )
    price_jump_from: Amount = Field(
        0.0, description="Move from the last known price from which a symbol may only be reduced."
    )


class DriftGroup(Group):
    """Drift of strategy weights."""

    alert_relative: Positive = Field(0.20, description="Relative drift that is an alert, fraction.")
    span: Annotated[float, Field(ge=1)] = Field(20.0, description="Slow average, decisions.")
    max_strategies: int = Field(
        2048, ge=1, le=100_000, description="Strategies remembered, count; bounds memory."
    )


class PerformanceGroup(Group):
    """Paired comparison of policy and baseline."""

    window: int = Field(5000, ge=20, le=1_000_000, description="Decisions kept, count.")
    min_pairs: int = Field(20, ge=2, description="Pairs before an interval is given, count.")
    draws: int = Field(2000, ge=100, le=100_000, description="Bootstrap draws, count.")
    mean_block: Annotated[float, Field(ge=1)] = Field(
        10.0, description="Mean block of the bootstrap, decisions; returns are dependent."
    )
    level: Annotated[float, Field(gt=0.5, lt=1)] = Field(0.95, description="Of the interval.")
    seed: int = Field(20_251_226, ge=0, description="Of the bootstrap; any.")


class CircuitBreakerGroup(Group):
    """The breaker between the service and the policy."""

    enabled: bool = Field(default=True, description="false bypasses it.")
    failure_threshold: int = Field(
        5, ge=1, le=10_000, description="Failures in a row that open it, count."
    )
    initial_timeout_sec: Annotated[float, Field(gt=0, le=86_400)] = Field(
        30.0, description="First wait before a probe, seconds."
    )
    max_timeout_sec: Annotated[float, Field(gt=0, le=86_400)] = Field(
        300.0, description="Longest wait, seconds."
    )
    backoff_multiplier: Annotated[float, Field(ge=1, le=100)] = Field(
        2.0, description="Growth of the wait with each failed probe."
    )
    jitter: Share = Field(0.0, description="Stretches each wait by up to this fraction; off.")
    failure_rate: Share = Field(0.0, description="Share of failures that opens it too; 0 is off.")
    rate_window_sec: Positive = Field(60.0, description="Window of that share, seconds.")
    rate_min_calls: int = Field(20, ge=1, description="Calls before the share counts, count.")
    probe_lease_sec: Positive | None = Field(
        None,
        description="How long a probe may stay silent, seconds; where absent 30 or twice "
        "RL_TIMEOUT_SEC, the longer.",
    )

    @model_validator(mode="after")
    def _waits_ordered(self) -> Self:
        if self.max_timeout_sec < self.initial_timeout_sec:
            raise ValueError(
                f"max_timeout_sec must be >= initial_timeout_sec {self.initial_timeout_sec:g}, "
                f"was {self.max_timeout_sec:g}"
            )
        return self


class NotifyGroup(Group):
    """Telling people what happened: signed webhooks and apprise URLs; none: nothing is told."""

    webhook_urls: Annotated[
        tuple[SecretStr, ...], NoDecode, BeforeValidator(values.webhook_urls)
    ] = Field((), description="Receivers, http(s) URLs between commas; what they hold is secret.")
    webhook_secret: Annotated[SecretStr | None, BeforeValidator(values.webhook_secret)] = Field(
        None, description="Signs what webhooks get: whsec_ and base64 of 24 to 64 random bytes."
    )
    apprise_urls: Annotated[
        tuple[SecretStr, ...], NoDecode, BeforeValidator(values.apprise_urls)
    ] = Field((), description="Chats, mail, phones as apprise spells them, between commas; secret.")
    limit_near_pct: Annotated[float, Field(ge=0, le=100)] = Field(
        95.0, description="Use of a limit that is told, percent of the limit; 0: never."
    )
    limit_clear_pct: Annotated[float, Field(ge=0, le=100)] = Field(
        85.0, description="Use below which the same limit may be told again, percent; below NEAR."
    )
    demoted_after: int = Field(
        20,
        ge=1,
        le=100_000,
        description="Answers in a row without confidence that are told, count.",
    )
    attempts: int = Field(
        6, ge=1, le=20, description="Of one delivery, count; then it is given up."
    )
    timeout_sec: Annotated[float, Field(gt=0, le=60)] = Field(
        5.0, description="Deadline of one attempt of a webhook, seconds; apprise gets four of it."
    )
    first_retry_sec: Annotated[float, Field(gt=0, le=3600)] = Field(
        1.0, description="Wait before the second attempt, seconds; doubles, with jitter, up to 60."
    )
    queue: int = Field(
        100,
        ge=1,
        le=10_000,
        description="Notices that wait for a receiver, count; oldest go first.",
    )

    @model_validator(mode="after")
    def _usable_together(self) -> Self:
        if self.webhook_urls and self.webhook_secret is None:
            raise ValueError("webhook_urls need webhook_secret beside them")
        if 0.0 < self.limit_near_pct <= self.limit_clear_pct:
            raise ValueError(
                f"limit_clear_pct must be < limit_near_pct {self.limit_near_pct:g}, "
                f"was {self.limit_clear_pct:g}"
            )
        return self
