"""Groups of the stages that size a signal: Kelly, conformal, sentiment, regime, cascade."""

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from app.core.params import EngineParams
from app.settings.setting import Amount, Group, Multiplier, Pct, Positive, Share, setting

_CORE: Final = EngineParams()


class KellyGroup(Group):
    """Bayesian Kelly besides its fraction."""

    prior_observations: Positive = setting(
        _CORE.kelly.prior_observations,
        "What no edge without a claim is worth, in observations.",
        unit="observations",
        why="a Sharpe ratio of a day that nobody claimed is within 0.03: short records are noise",
    )
    max_sharpe: Positive = setting(
        _CORE.kelly.max_sharpe,
        "Largest claim that is believed: confidence times return over volatility, over the horizon "
        "of claims.",
        unit="volatilities",
        why="a Sharpe ratio of 1.6 a year; textbook claims of a day are a twentieth of it",
    )
    prior_wins: Positive = setting(
        _CORE.kelly.prior_wins,
        "Wins of the Beta prior, count; no opinion.",
        unit="count",
        why="as many as losses: no opinion",
    )
    prior_losses: Positive = setting(
        _CORE.kelly.prior_losses,
        "Losses of the Beta prior, count.",
        unit="count",
        why="as many as wins: no opinion",
    )
    min_edge: Amount = setting(
        _CORE.kelly.min_edge,
        "Least posterior return that is sized, over the horizon of claims; off.",
        unit="return per horizon",
        why="any positive edge counts; costs are yours to know",
    )
    min_win_rate: Share = setting(
        _CORE.kelly.min_win_rate,
        "Least believed win rate, fraction; 0: off.",
        unit="fraction",
        why="off: a trend follower wins 35 times of 100, and more each time",
    )
    max_size_pct: Pct = setting(
        _CORE.kelly.max_size_pct,
        "Largest Phase 1 size of one signal, fraction of portfolio value.",
        unit="fraction of portfolio value",
        why="tames tiny volatilities before the limits see them",
    )


class RecordsGroup(Group):
    """What outcomes have taught of each strategy."""

    half_life: Annotated[float, Field(ge=1, le=10_000)] = setting(
        _CORE.records.half_life,
        "Observations after which one counts half, count.",
        unit="observations",
        why="a year of days: strategies fade",
    )


class ConformalGroup(Group):
    """Adaptive conformal scaling."""

    coverage: Annotated[float, Field(gt=0.5, lt=1)] = setting(
        _CORE.conformal.coverage,
        "Share of outcomes within the interval, fraction.",
        unit="fraction",
        why="nine in ten: rarer misses need more outcomes than there are",
    )
    step: Annotated[float, Field(gt=0, le=0.5)] = setting(
        _CORE.conformal.step,
        "Step of the level per outcome; small, so coverage is steady.",
        unit="level per outcome",
        why="small, so that coverage is steady",
    )
    window: int = setting(
        _CORE.conformal.window,
        "Residuals kept by strategy, count.",
        unit="residuals",
        why="follows a market that changes, over most of a year of days",
        ge=10,
        le=10_000,
    )
    active_from: int = setting(
        _CORE.conformal.active_from,
        "Residuals before it scales, count.",
        unit="residuals",
        why="fewer say nothing of a tenth",
        ge=1,
    )
    normal_quantile: Positive = setting(
        _CORE.conformal.normal_quantile,
        "Quantile at which volatility is taken at its word: normal, 90 %.",
        unit="standard deviations",
        why="the normal's two-sided 90 %",
    )
    max_miscoverage: Annotated[float, Field(gt=0, lt=1)] = setting(
        _CORE.conformal.max_miscoverage,
        "Largest adapted miscoverage, fraction; beyond it the tail says nothing.",
        unit="fraction",
        why="beyond it the tail says nothing",
    )


class SentimentGroup(Group):
    """Tilt by sentiment."""

    max_tilt: Share = setting(
        _CORE.sentiment.max_tilt,
        "Largest change of size, fraction.",
        unit="fraction",
        why="a hint, no signal of its own",
    )
    full_distance: Pct = setting(
        _CORE.sentiment.full_distance,
        "Distance from the neutral zone that earns the whole tilt, score.",
        unit="score",
        why="from the neutral zone to either end",
    )
    neutral_low: Share = setting(
        _CORE.sentiment.neutral_low,
        "Below it bearish, score.",
        unit="score, 0 to 1",
        why="a fifth in the middle says nothing",
    )
    neutral_high: Share = setting(
        _CORE.sentiment.neutral_high,
        "Above it bullish, score.",
        unit="score, 0 to 1",
        why="a fifth in the middle says nothing",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.neutral_low > self.neutral_high:
            raise ValueError("neutral_low must be <= neutral_high")
        return self


class RegimeGroup(Group):
    """Size multipliers of a long by regime; trends are mirrored for shorts."""

    trending_up: Multiplier = setting(
        _CORE.regime.trending_up, "Multiplier.", unit="factor", why="a long goes with the trend"
    )
    ranging: Multiplier = setting(
        _CORE.regime.ranging, "Multiplier.", unit="factor", why="nothing known, nothing changed"
    )
    trending_down: Multiplier = setting(
        _CORE.regime.trending_down,
        "Multiplier.",
        unit="factor",
        why="a long goes against the trend",
    )
    high_volatility: Multiplier = setting(
        _CORE.regime.high_volatility,
        "Multiplier.",
        unit="factor",
        why="volatilities are claimed too small just then",
    )
    crisis: Multiplier = setting(
        _CORE.regime.crisis, "Multiplier.", unit="factor", why="correlations go to one"
    )
    confirmations: int = setting(
        _CORE.regime.confirmations,
        "Periods that a change needs, count; fewer flip falsely.",
        unit="periods",
        why="fewer flip falsely",
        ge=1,
        le=1000,
    )
    period_sec: Annotated[float, Field(ge=0, le=86_400)] = setting(
        _CORE.regime.period_sec,
        "Least time between two observations that count, of regimes and of the cascade, seconds; "
        "0: every newer one counts.",
        unit="seconds",
        why="three claims within a second are one opinion",
    )


class CascadeGroup(Group):
    """Score of a liquidation cascade above which it acts, and what eases it."""

    exit_above: Share = setting(
        _CORE.cascade.exit_above,
        "EXIT: every target is zero, score.",
        unit="score, 0 to 1",
        why="nearly every indicator at its end",
    )
    reduce_75_above: Share = setting(
        _CORE.cascade.reduce_75_above,
        "REDUCE_75%, score.",
        unit="score, 0 to 1",
        why="most of them",
    )
    reduce_50_above: Share = setting(
        _CORE.cascade.reduce_50_above,
        "REDUCE_50%, score.",
        unit="score, 0 to 1",
        why="two of the heavy ones",
    )
    confirmations: int = setting(
        _CORE.cascade.confirmations,
        "Looser periods (REGIME__PERIOD_SEC) that ease it, count; tightening is at once.",
        unit="periods",
        why="a score beside a threshold trades nothing to and fro",
        ge=1,
        le=1000,
    )
    forget_sec: Amount = setting(
        _CORE.cascade.forget_sec,
        "After so long without a batch the next one is in force at once, seconds; 0: always.",
        unit="seconds",
        why="an hour old, it says nothing of the market now",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.reduce_50_above <= self.reduce_75_above <= self.exit_above:
            raise ValueError("must be ordered: reduce_50_above <= reduce_75_above <= exit_above")
        return self
