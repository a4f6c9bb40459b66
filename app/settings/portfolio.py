"""Groups of the portfolio: market, limits, trading, brakes, drift, performance."""

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from app.core.params import EngineParams
from app.settings.setting import Amount, Amounts, Caps, Decay, Group, Positive, Share, setting

_CORE: Final = EngineParams()


class MarketGroup(Group):
    """Bars, memory of prices, correlation estimate."""

    bar_sec: Annotated[float, Field(ge=1, le=31_622_400)] = setting(
        _CORE.market.bar_sec,
        "Length of the bars into which prices and returns fold, seconds; another one begins the "
        "history of returns anew.",
        unit="seconds",
        why="a day: what the defaults and the shipped model were measured with",
    )
    bar_phase_sec: Annotated[float, Field(ge=0)] | None = setting(
        _CORE.market.bar_phase_sec,
        "Edge between two bars, seconds after whole multiples of BAR_SEC; another one begins the "
        "history of returns anew. Half of BAR_SEC unless set.",
        unit="seconds",
        why="half a bar: daily bars end at noon UTC, so that the closes of Frankfurt, New York "
        "and of the coin day are one bar",
    )
    history: int = setting(
        _CORE.market.history,
        "Bar returns told to the model, count; up to twice as many bars are kept by symbol.",
        unit="returns",
        why="a year of days, what the model reads",
        ge=20,
        le=10_000,
    )
    max_symbols: int = setting(
        _CORE.market.max_symbols,
        "Symbols remembered, count; bounds memory.",
        unit="symbols",
        why="bounds memory; the longest unseen goes first",
        ge=1,
        le=100_000,
    )
    max_price_age_sec: Positive = setting(
        _CORE.market.max_price_age_sec,
        "Oldest last price that still values a position, seconds; older ones set it apart.",
        unit="seconds",
        why="4 days: a long weekend has no prices, a dead feed has none for longer",
    )
    volatility_decay: Decay = setting(
        _CORE.market.volatility_decay,
        "EWMA of variance, per bar.",
        unit="per bar",
        why="RiskMetrics' daily one",
    )
    slow_decay: Decay = setting(
        _CORE.market.slow_decay,
        "Slow EWMA of variance, per bar; a missing sigma is the larger of both.",
        unit="per bar",
        why="a calm week does not make a calm market",
    )
    correlation_decay: Decay = setting(
        _CORE.market.correlation_decay,
        "EWMA of correlation, per joint bar of a pair.",
        unit="per joint bar",
        why="slower: correlations need more data",
    )
    prior_weight: int = setting(
        _CORE.market.prior_weight,
        "Joint bars of a pair that weigh as much as the prior correlation, count.",
        unit="bars",
        why="fewer are noise",
        ge=1,
    )
    prior_correlation: Annotated[float, Field(ge=0, lt=1)] = setting(
        _CORE.market.prior_correlation,
        "Correlation of pairs on one side that are not known yet; between opposite sides it is 0.",
        unit="correlation",
        why="cautious, until data say better",
    )
    min_eigenvalue: Annotated[float, Field(gt=0, lt=0.5)] = setting(
        _CORE.market.min_eigenvalue,
        "Least eigenvalue of the correlation matrix.",
        unit="eigenvalue",
        why="keeps the problem well posed",
    )
    default_volatility: Positive = setting(
        _CORE.market.default_volatility,
        "Where neither claim nor history is there, of a day.",
        unit="return per day",
        why="large, so that the unknown stays small",
    )
    alert_correlation: Share = setting(
        _CORE.market.alert_correlation,
        "Correlation of a pair that is an alert.",
        unit="correlation",
        why="two names, one bet",
    )
    factors: int = setting(
        _CORE.market.factors,
        "Factors of the risk model, count.",
        unit="count",
        why="what the solvers were measured with",
        ge=1,
        le=100,
    )
    factor_refresh: int = setting(
        _CORE.market.factor_refresh,
        "New returns between two factor fits, count.",
        unit="returns",
        why="a week of days; the fit is off the request",
        ge=1,
    )
    dense_up_to: int = setting(
        _CORE.market.dense_up_to,
        "Symbols up to which the dense solver is faster, count.",
        unit="symbols",
        why="where the solvers' measured times cross",
        ge=1,
        le=1000,
    )

    @model_validator(mode="after")
    def _phase_within_bar(self) -> Self:
        if self.bar_phase_sec is not None and self.bar_phase_sec >= self.bar_sec:
            raise ValueError(
                f"bar_phase_sec must be < bar_sec {self.bar_sec:g}, was {self.bar_phase_sec:g}"
            )
        return self


class LimitsGroup(Group):
    """Further caps; JSON objects in the environment."""

    symbol_caps: Caps = setting(
        _CORE.limits.symbol_caps,
        "Own cap of a symbol, fraction of portfolio value.",
        unit="JSON: symbol to fraction",
        why="none: MAX_POSITION_PCT holds for all",
    )
    group_caps: Caps = setting(
        _CORE.limits.group_caps,
        "Cap on the gross of a group, fraction.",
        unit="JSON: group to fraction",
        why="none: groups are yours to name",
    )
    groups: dict[str, tuple[str, ...]] = setting(
        _CORE.limits.groups,
        "Members of each group, symbols.",
        unit="JSON: group to symbols",
        why="none: groups are yours to name",
    )
    strategy_caps: Caps = setting(
        _CORE.limits.strategy_caps,
        "Own cap of a strategy, fraction of portfolio value.",
        unit="JSON: strategy to fraction",
        why="none: MAX_STRATEGY_PCT holds for all",
    )
    max_gross_usd: Amount = setting(
        _CORE.limits.max_gross_usd,
        "Gross of all in USD, whatever the portfolio value says; 0 is off.",
        unit="USD",
        why="0 is off: only you know your account; no wrong balance lifts it",
    )
    new_strategy_pct: Share = setting(
        _CORE.limits.new_strategy_pct,
        "Gross of a strategy that is not in STRATEGIES__LISTED or has fewer than 20 outcomes, "
        "fraction; 0 is off.",
        unit="fraction of portfolio value",
        why="0 is off: how far to trust a new name is yours to say",
    )

    @model_validator(mode="after")
    def _groups_known(self) -> Self:
        unknown = sorted(self.group_caps.keys() - self.groups.keys())
        if unknown:
            raise ValueError(f"group_caps names groups without members: {', '.join(unknown)}")
        return self


class SignalsGroup(Group):
    """What a signal's stamp may say, what its claims are of, and how long it holds."""

    max_ahead_sec: Amount = setting(
        _CORE.signals.max_ahead_sec,
        "How far ahead of the clock a stamp may be, seconds; beyond it the signal or the "
        "observation is rejected.",
        unit="seconds",
        why="clocks differ by seconds; set 86400 where bars are stamped with their end",
    )
    horizon_sec: Annotated[float, Field(ge=1, le=315_576_000)] = setting(
        _CORE.signals.horizon_sec,
        "Horizon of claims that say none, and the one that all claims are brought to, seconds.",
        unit="seconds",
        why="a day: what daily closes and most claims are of",
    )
    standing: bool = setting(
        _CORE.signals.standing,
        "Whether a signal stays in force until its strategy sends another one for the symbol, so "
        "that layers that post on their own are netted and limited together; off at a start ends "
        "every standing signal.",
        unit="true, false",
        why="off: a batch is what it says, as one caller expects",
    )
    valid_for_sec: Amount = setting(
        _CORE.signals.valid_for_sec,
        "How long a standing signal that does not say holds, from its stamp on, seconds.",
        unit="seconds",
        why="a day: what daily layers last said holds until they speak again",
    )


class StrategiesGroup(Group):
    """Strategies that are expected."""

    listed: tuple[Annotated[str, Field(min_length=1)], ...] = setting(
        _CORE.strategies.listed,
        "Names that are known; others are held to LIMITS__NEW_STRATEGY_PCT.",
        unit="JSON: list of names",
        why="none: any name may signal",
    )


class TradingGroup(Group):
    """How targets become trades; all off by default."""

    cost_pct: Annotated[float, Field(ge=0, lt=1)] = setting(
        _CORE.trading.cost_pct,
        "Cost of a trade in the optimisation, fraction of what is traded.",
        unit="fraction of what is traded",
        why="0: your costs are not ours to guess",
    )
    no_trade_band_pct: Share = setting(
        _CORE.trading.no_trade_band_pct,
        "Changes of weight below it are not traded, fraction.",
        unit="fraction of portfolio value",
        why="0: every change is traded",
    )
    lot_sizes: Amounts = setting(
        _CORE.trading.lot_sizes,
        "Lot of each symbol, units.",
        unit="JSON: symbol to units",
        why="none: quantities are not rounded",
    )
    min_notional_usd: Amounts = setting(
        _CORE.trading.min_notional_usd,
        "Least trade of each symbol, USD.",
        unit="JSON: symbol to USD",
        why="none: no trade is too small",
    )
    default_lot_size: Amount = setting(
        _CORE.trading.default_lot_size,
        "Lot of other symbols, units.",
        unit="units",
        why="0: not rounded",
    )
    default_min_notional_usd: Amount = setting(
        _CORE.trading.default_min_notional_usd,
        "Least trade of others, USD.",
        unit="USD",
        why="0: no trade is too small",
    )
    max_signal_age_sec: Amount = setting(
        _CORE.trading.max_signal_age_sec,
        "Older signals are rejected, seconds; 0: age never refuses.",
        unit="seconds",
        why="0: only you know your interval; set it",
    )


class BrakesGroup(Group):
    """Brakes on the whole portfolio; 0 is off."""

    volatility_target: Amount = setting(
        _CORE.brakes.volatility_target,
        "Portfolio volatility per horizon.",
        unit="return per horizon",
        why="0 is off: the level is yours to choose",
    )
    drawdown_from: Annotated[float, Field(ge=0, lt=1)] = setting(
        _CORE.brakes.drawdown_from,
        "Drawdown at which the brake acts, fraction.",
        unit="fraction",
        why="0 is off; set it before real money",
    )
    drawdown_multiplier: Share = setting(
        _CORE.brakes.drawdown_multiplier,
        "What it leaves of sizes and limits.",
        unit="factor",
        why="half: enough to matter, and to recover",
    )
    daily_loss_from: Annotated[float, Field(ge=0, lt=1)] = setting(
        _CORE.brakes.daily_loss_from,
        "Loss of a UTC day from which nothing may grow until it ends, fraction.",
        unit="fraction",
        why="0 is off; set it before real money",
    )
    collapse_below: Annotated[float, Field(ge=0, lt=1)] = setting(
        _CORE.brakes.collapse_below,
        "Portfolio value below this part of the last one is not believed, fraction; one-sided "
        "and sharper than VALUE_JUMP_FROM.",
        unit="fraction",
        why="0 is off: VALUE_JUMP_FROM looks both ways",
    )
    price_jump_from: Annotated[float, Field(ge=0, lt=1)] = setting(
        _CORE.brakes.price_jump_from,
        "f: a price outside [1 - f, 1 / (1 - f)] times the last believed one is not believed.",
        unit="fraction",
        why="ten times: a feed is more likely than a market; 0.5 for stocks, 0 is off",
    )
    value_jump_from: Annotated[float, Field(ge=0, lt=1)] = setting(
        _CORE.brakes.value_jump_from,
        "f: a portfolio value outside [1 - f, 1 / (1 - f)] times the last one is not believed.",
        unit="fraction",
        why="ten times: a unit is more likely than a fortune; 0 is off",
    )


class DriftGroup(Group):
    """Drift of strategy weights."""

    alert_relative: Positive = setting(
        _CORE.drift.alert_relative,
        "Relative drift that is an alert, fraction.",
        unit="fraction",
        why="a fifth off the slow average is worth a look",
    )
    span: Annotated[float, Field(ge=1)] = setting(
        _CORE.drift.span, "Slow average, decisions.", unit="decisions", why="a month of days"
    )
    max_strategies: int = setting(
        _CORE.drift.max_strategies,
        "Strategies remembered, count; bounds memory.",
        unit="strategies",
        why="bounds memory",
        ge=1,
        le=100_000,
    )


class PerformanceGroup(Group):
    """Paired comparison of policy and baseline."""

    window: int = setting(
        _CORE.performance.window,
        "Decisions kept, count.",
        unit="decisions",
        why="bounds memory; years of days",
        ge=20,
        le=1_000_000,
    )
    min_pairs: int = setting(
        _CORE.performance.min_pairs,
        "Pairs before an interval is given, count.",
        unit="pairs",
        why="fewer give an interval that means nothing",
        ge=2,
    )
    draws: int = setting(
        _CORE.performance.draws,
        "Bootstrap draws, count.",
        unit="count",
        why="the interval's ends are steady to a few percent",
        ge=100,
        le=100_000,
    )
    mean_block: Annotated[float, Field(ge=1)] = setting(
        _CORE.performance.mean_block,
        "Mean block of the bootstrap, decisions; returns are dependent.",
        unit="decisions",
        why="returns of neighbours are dependent",
    )
    level: Annotated[float, Field(gt=0.5, lt=1)] = setting(
        _CORE.performance.level, "Of the interval.", unit="fraction", why="the usual one"
    )
    seed: int = setting(
        _CORE.performance.seed,
        "Of the bootstrap; any.",
        unit="any integer",
        why="fixed: the same data, the same interval",
        ge=0,
    )
