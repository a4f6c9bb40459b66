"""What callers send; written from the OpenAPI document.

`python -m tests.tools.reference.python_types` writes this file anew; a test compares it.
"""

from typing import Any, Literal, NotRequired, TypedDict


class AcceptRequest(TypedDict):
    """A price that is to be believed."""

    portfolio_id: NotRequired[str | None]
    """The book; absent or null is `default`."""
    reason: str
    """Why; kept in the journal."""
    symbol: str
    """Instrument that is known."""
    price: float
    """USD a unit."""


class CascadeBody(TypedDict):
    """What announces a liquidation cascade; fields left out take a calm market's value."""

    funding_rate: NotRequired[float]
    """Perpetual funding rate."""
    oi_change_pct: NotRequired[float]
    """Change of open interest, fraction."""
    volume_ratio: NotRequired[float]
    """Volume over its usual level."""
    onchain_whale_pressure: NotRequired[float]
    """Selling pressure of whales."""
    exchange_netflow_zscore: NotRequired[float]
    """Net flow to exchanges in standard deviations."""


class Signal(TypedDict):
    """One strategy's view of one symbol."""

    strategy_id: str
    """Who signals; any name of the caller's choosing."""
    symbol: str
    """Instrument, as in current_prices."""
    action: Literal[
        "STRONG_BUY",
        "BUY",
        "HOLD",
        "SELL",
        "STRONG_SELL",
        "strong_buy",
        "buy",
        "hold",
        "sell",
        "strong_sell",
    ]
    """What the strategy wants done, in either case."""
    confidence: float
    """Weight of the claim, 0 to 1."""
    risk_score: float
    """For journal and model only, 0 to 1."""
    regime: Literal[
        "TRENDING_UP",
        "RANGING",
        "TRENDING_DOWN",
        "HIGH_VOLATILITY",
        "CRISIS",
        "CRISIS_FLIGHT",
        "trending_up",
        "ranging",
        "trending_down",
        "high_volatility",
        "crisis",
        "crisis_flight",
    ]
    """Market regime of the symbol, in either case."""
    timestamp_ns: int
    """When the signal was made, ns since 1970 UTC; at most SIGNALS__MAX_AHEAD_SEC ahead of the
    clock, else the signal is rejected.
    """
    expected_return: NotRequired[float | None]
    """Return of the trade over its horizon; positive is favourable."""
    predicted_volatility: NotRequired[float | None]
    """Standard deviation of the return over the same horizon."""
    signal_strength: NotRequired[float | None]
    """For journal and model only."""
    sentiment_score: NotRequired[float | None]
    """0 bearish to 1 bullish."""
    sentiment_confidence: NotRequired[float | None]
    """Weight of the score."""
    horizon_sec: NotRequired[float | None]
    """Horizon of both claims and of the outcome, seconds; SIGNALS__HORIZON_SEC where absent or
    null.
    """
    valid_for_sec: NotRequired[float | None]
    """With SIGNALS__STANDING: how long it stays in force, from its stamp on; SIGNALS__VALID_FOR_SEC
    where absent. It never refuses a signal.
    """


class AllocateRequest(TypedDict):
    """One batch of signals to size."""

    signals: list[Signal]
    """May be empty; the order does not matter. With SIGNALS__STANDING each replaces what stood for
    its strategy and symbol, HOLD ends it, and what stands of all others is sized with them.
    """
    cascade_indicators: CascadeBody
    current_prices: dict[str, float | None]
    """Price of each symbol in USD a unit; of a contract price x multiplier. One that is null, zero
    or negative is none of that symbol: the last believed one counts, if it is not too old; else its
    signals are rejected and its position is set apart, or closed where that is asked for.
    """
    portfolio_value: NotRequired[float | None]
    """USD; the setting PORTFOLIO_VALUE where absent or null. One that is too far from the last
    believed one is not used.
    """
    current_positions: NotRequired[dict[str, float] | None]
    """Signed quantity of each symbol, no cash among them: it would count as a position; absent or
    null means flat.
    """
    market_data: NotRequired[dict[str, Any] | None]
    """Any JSON object, for journal and model; at most 64 levels deep."""
    portfolio_id: NotRequired[str | None]
    """`default` where absent; agrees with the header Himari-Portfolio."""


class CircuitModeRequest(TypedDict):
    """The breaker's mode."""

    mode: Literal["auto", "forced_open", "disabled"]
    """auto, forced_open (no calls) or disabled (all calls)."""
    reason: NotRequired[str | None]
    """Why; kept in the journal."""


class DecisionsQuery(TypedDict):
    """Filters of list_decisions; newest first."""

    limit: NotRequired[int]
    """Most decisions."""
    before_seq: NotRequired[int]
    """Page back: next_before_seq of the page before."""
    strategy: NotRequired[Literal["rl", "fallback"]]
    """Who decided."""
    fallback_reason: NotRequired[str]
    """Why it was Phase 2."""
    symbol: NotRequired[str]
    """Decisions that name this symbol."""
    strategy_id: NotRequired[str]
    """Decisions with a signal or a held part of this strategy."""
    since_ns: NotRequired[int]
    """Not older than that, ns since 1970 UTC."""
    until_ns: NotRequired[int]
    """Not newer than that, ns since 1970 UTC."""


class ForgetRequest(TypedDict):
    """A symbol whose prices and returns are to be forgotten."""

    portfolio_id: NotRequired[str | None]
    """The book; absent or null is `default`."""
    reason: str
    """Why; kept in the journal."""
    symbol: str
    """Instrument that is known."""


class Outcome(TypedDict):
    """One realised return."""

    symbol: str
    """Instrument."""
    realized_return: float
    """The symbol's own simple return over the decision's horizon, >= -1."""
    decision_id: NotRequired[str | None]
    """The decision it belongs to, if known."""
    used_rl: NotRequired[bool | None]
    """Without decision_id: whether the trade followed the policy."""
    strategy_id: NotRequired[str | None]
    """Without decision_id: whose record it feeds, with both predictions."""
    predicted_return: NotRequired[float | None]
    """What had been expected."""
    predicted_volatility: NotRequired[float | None]
    """Over the same horizon."""


class OutcomesRequest(TypedDict):
    """Realised returns, each counted once."""

    outcomes: list[Outcome]


class PricesRequest(TypedDict):
    """Prices of one moment; counted once per symbol and timestamp, older ones ignored."""

    timestamp_ns: int
    """ns since 1970 UTC, from 2000 on. One ahead of the clock counts as now, and further than
    SIGNALS__MAX_AHEAD_SEC not at all.
    """
    prices: dict[str, float | None]
    """Price of each symbol in USD; null, 0 or less says that there is none."""


class ReasonRequest(TypedDict):
    """An optional reason."""

    reason: NotRequired[str | None]
    """Why; kept in the journal."""


class ReturnsRequest(TypedDict):
    """Returns of one moment; counted once per symbol and timestamp, older ones ignored."""

    timestamp_ns: int
    """ns since 1970 UTC, from 2000 on. One ahead of the clock counts as now, and further than
    SIGNALS__MAX_AHEAD_SEC not at all.
    """
    returns: dict[str, float]
    """Simple return of each symbol, >= -1."""


class SplitRequest(TypedDict):
    """A split of a symbol."""

    portfolio_id: NotRequired[str | None]
    """The book; absent or null is `default`."""
    reason: str
    """Why; kept in the journal."""
    symbol: str
    """Instrument that is known."""
    ratio: float
    """New units per old one; past prices are divided by it."""


class TradingStateRequest(TypedDict):
    """The kill switch."""

    state: Literal["ACTIVE", "REDUCING", "HALTED", "active", "reducing", "halted"]
    """ACTIVE, REDUCING or HALTED, in either case."""
    reason: NotRequired[str | None]
    """Why; kept in the journal."""
    flatten: NotRequired[bool]
    """With HALTED: every target is zero, not the current position."""
    rebase: NotRequired[bool]
    """Let the brakes forget peak, last value and day, as after a withdrawal."""
    if_state_is: NotRequired[
        Literal[
            "ACTIVE",
            "REDUCING",
            "HALTED",
            "active",
            "reducing",
            "halted",
        ]
        | None
    ]
    """Change nothing and answer 409 unless this state is in effect."""
    portfolio_id: NotRequired[str | None]
    """Act on this portfolio; on all of them where absent."""


class WeightsQuery(TypedDict):
    """Filters of get_weights_csv; newest first."""

    limit: NotRequired[int]
    """Most decisions; each gives a line per symbol."""
    before_seq: NotRequired[int]
    """Page back: next_before_seq of the page before."""
    strategy: NotRequired[Literal["rl", "fallback"]]
    """Who decided."""
    fallback_reason: NotRequired[str]
    """Why it was Phase 2."""
    symbol: NotRequired[str]
    """Decisions that name this symbol."""
    strategy_id: NotRequired[str]
    """Decisions with a signal or a held part of this strategy."""
    since_ns: NotRequired[int]
    """Not older than that, ns since 1970 UTC."""
    until_ns: NotRequired[int]
    """Not newer than that, ns since 1970 UTC."""


class WithdrawnOutcome(TypedDict):
    """An outcome by its decision and symbol."""

    decision_id: str
    """The decision that it was posted to."""
    symbol: str
    """Instrument."""


class WithdrawRequest(TypedDict):
    """Outcomes that are to count as if they had never been posted."""

    portfolio_id: NotRequired[str | None]
    """The book; absent or null is `default`."""
    reason: str
    """Why; kept in the journal."""
    outcomes: list[WithdrawnOutcome]
