"""Settings that decisions depend on: every number of the core's ``EngineParams`` but one."""

from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from app.core.params import EngineParams
from app.settings import portfolio, stages, values
from app.settings.setting import Part, Pct, setting

_CORE: Final = EngineParams()


class EngineSettings(Part):
    """Portfolio value, Kelly fraction, hard limits, and a group for each stage."""

    portfolio_value: Annotated[float, Field(gt=0, le=1e15)] = setting(
        _CORE.portfolio_value,
        "USD, for batches that name none.",
        unit="USD",
        why="round, as in the examples; send the real one with each batch",
    )
    kelly_fraction: Pct = setting(
        _CORE.kelly.fraction,
        "Fraction of full Kelly; a quarter, as the edge is only claimed.",
        unit="fraction",
        why="a quarter: the edge is only claimed, and full Kelly overbets",
    )
    max_position_pct: Pct = setting(
        _CORE.limits.max_position_pct,
        "|net| of a symbol, fraction of portfolio.",
        unit="fraction of portfolio value",
        why="one symbol that goes to zero costs 15 %",
    )
    max_strategy_pct: Pct = setting(
        _CORE.limits.max_strategy_pct,
        "Gross of a strategy, fraction.",
        unit="fraction of portfolio value",
        why="no strategy alone fills the portfolio",
    )
    max_portfolio_pct: Pct = setting(
        _CORE.limits.max_portfolio_pct,
        "Gross of all, fraction; the rest is cash.",
        unit="fraction of portfolio value",
        why="a fifth stays cash",
    )
    rebalance_span: Annotated[float, BeforeValidator(values.rebalance_span)] = setting(
        _CORE.trading.rebalance_span,
        "EWMA span of weights, decisions; 0: go to the target at once, else >= 1.",
        unit="decisions",
        why="0 keeps targets what they are; 10 lifted net Sharpe, daily",
    )
    rebalance_half_life_sec: Annotated[float, Field(ge=0, le=315_576_000)] = setting(
        _CORE.trading.rebalance_half_life_sec,
        "Instead of the span: time in which half of the way to the target is gone, seconds; 0: "
        "off.",
        unit="seconds",
        why="0 is off; set it where batches come at no steady pace",
    )
    allow_short: bool = setting(
        _CORE.limits.allow_short,
        "Whether a target may be negative.",
        unit="true, false",
        why="most accounts cannot short",
    )
    kelly: stages.KellyGroup = stages.KellyGroup()
    records: stages.RecordsGroup = stages.RecordsGroup()
    conformal: stages.ConformalGroup = stages.ConformalGroup()
    sentiment: stages.SentimentGroup = stages.SentimentGroup()
    regime: stages.RegimeGroup = stages.RegimeGroup()
    cascade: stages.CascadeGroup = stages.CascadeGroup()
    market: portfolio.MarketGroup = portfolio.MarketGroup()
    signals: portfolio.SignalsGroup = portfolio.SignalsGroup()
    strategies: portfolio.StrategiesGroup = portfolio.StrategiesGroup()
    limits: portfolio.LimitsGroup = portfolio.LimitsGroup()
    trading: portfolio.TradingGroup = portfolio.TradingGroup()
    brakes: portfolio.BrakesGroup = portfolio.BrakesGroup()
    drift: portfolio.DriftGroup = portfolio.DriftGroup()
    performance: portfolio.PerformanceGroup = portfolio.PerformanceGroup()
