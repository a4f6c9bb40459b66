"""Every number that a decision depends on besides its inputs and the learnt state.

Frozen; settings build them; a canonical JSON of them is journalled and hashed, so that a replay
decides with the same numbers. Defaults are those of the design.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class KellyParams:
    """Bayesian Kelly: fraction k, prior, largest claim, Beta prior of the win rate, floors, cap.

    ``prior_observations`` is n0, what the prior of an unclaimed edge is worth; ``max_sharpe`` the
    largest claim that is believed, a Sharpe ratio over the horizon of claims.
    """

    fraction: float = 0.25
    prior_observations: float = 1_000.0
    max_sharpe: float = 0.1
    prior_wins: float = 10.0
    prior_losses: float = 10.0
    min_edge: float = 0.0
    min_win_rate: float = 0.0
    max_size_pct: float = 0.50


@dataclass(frozen=True, slots=True)
class RecordParams:
    """After how many observations one counts half, in the record of a strategy."""

    half_life: float = 250.0


@dataclass(frozen=True, slots=True)
class ConformalParams:
    """Adaptive conformal scaling: coverage target, step, window, start, normal quantile."""

    coverage: float = 0.90
    step: float = 0.005
    window: int = 200
    active_from: int = 20
    normal_quantile: float = 1.645
    max_miscoverage: float = 0.5


@dataclass(frozen=True, slots=True)
class SentimentParams:
    """Largest tilt, the distance from the neutral zone that earns it, and the zone."""

    max_tilt: float = 0.15
    full_distance: float = 0.4
    neutral_low: float = 0.4
    neutral_high: float = 0.6


@dataclass(frozen=True, slots=True)
class RegimeParams:
    """Size multipliers of a long by regime, and how many periods of what length a change needs.

    ``period_sec`` is the period of the cascade as well.
    """

    trending_up: float = 1.2
    ranging: float = 1.0
    trending_down: float = 0.8
    high_volatility: float = 0.6
    crisis: float = 0.2
    confirmations: int = 3
    period_sec: float = 60.0


@dataclass(frozen=True, slots=True)
class CascadeParams:
    """Thresholds of the recommendation, and what it takes to ease it.

    The components' own numbers stand in the stage. ``confirmations`` are periods of regimes;
    after ``forget_sec`` without a batch the next one is in force at once.
    """

    exit_above: float = 0.8
    reduce_75_above: float = 0.6
    reduce_50_above: float = 0.4
    confirmations: int = 3
    forget_sec: float = 3_600.0


@dataclass(frozen=True, slots=True)
class MarketParams:
    """Bars, memory and age of prices, memory of returns, correlation estimate.

    A bar is floor((t - phase) / ``bar_sec``); the phase is half a bar where ``bar_phase_sec`` is
    None. ``default_volatility`` is of a day.
    """

    bar_sec: float = 86_400.0
    bar_phase_sec: float | None = None
    history: int = 256
    max_symbols: int = 2048
    max_price_age_sec: float = 345_600.0
    volatility_decay: float = 0.94
    slow_decay: float = 0.99
    correlation_decay: float = 0.99
    prior_weight: int = 20
    prior_correlation: float = 0.5
    min_eigenvalue: float = 1e-4
    default_volatility: float = 0.05
    alert_correlation: float = 0.8
    factors: int = 10
    factor_refresh: int = 5
    dense_up_to: int = 100


@dataclass(frozen=True, slots=True)
class LimitParams:
    """Hard limits as fractions of portfolio value, shorts, further caps by setting.

    ``max_gross_usd`` is USD and ``new_strategy_pct`` a strategy's cap until it is known; 0 is off.
    """

    max_position_pct: float = 0.15
    max_strategy_pct: float = 0.40
    max_portfolio_pct: float = 0.80
    allow_short: bool = False
    symbol_caps: Mapping[str, float] = field(default_factory=dict)
    group_caps: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    strategy_caps: Mapping[str, float] = field(default_factory=dict)
    max_gross_usd: float = 0.0
    new_strategy_pct: float = 0.0


@dataclass(frozen=True, slots=True)
class SignalParams:
    """What stamps may say, the horizon of claims, and whether signals stay in force.

    ``max_ahead_sec`` is the door's: how far ahead of the clock the stamp of a signal or an
    observation may be. ``horizon_sec`` is H: every claim is brought to it, and a signal that says
    none means it. ``valid_for_sec`` is for standing signals that do not say.
    """

    max_ahead_sec: float = 60.0
    horizon_sec: float = 86_400.0
    standing: bool = False
    valid_for_sec: float = 86_400.0


@dataclass(frozen=True, slots=True)
class StrategyParams:
    """Strategies that are expected; empty: any name is."""

    listed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TradingParams:
    """How targets become trades; all off by default.

    A half-life, where there is one, stands for the span.
    """

    rebalance_span: float = 0.0
    rebalance_half_life_sec: float = 0.0
    cost_pct: float = 0.0
    no_trade_band_pct: float = 0.0
    lot_sizes: Mapping[str, float] = field(default_factory=dict)
    min_notional_usd: Mapping[str, float] = field(default_factory=dict)
    default_lot_size: float = 0.0
    default_min_notional_usd: float = 0.0
    max_signal_age_sec: float = 0.0

    @property
    def moves_at_once(self) -> bool:
        """Whether targets are the aims themselves: no smoothing, band, lots or least notional."""
        slow = self.rebalance_span or self.rebalance_half_life_sec
        return self.takes_any_quantity and not (slow or self.no_trade_band_pct)

    @property
    def takes_any_quantity(self) -> bool:
        """Whether every quantity can be traded: no lots and no least notional."""
        own = self.lot_sizes or self.min_notional_usd
        return not (own or self.default_lot_size or self.default_min_notional_usd)


@dataclass(frozen=True, slots=True)
class BrakeParams:
    """Volatility target (per horizon of the signals) and sanity brakes; 0 is off.

    A price or portfolio value outside [1 - f, 1 / (1 - f)] times the last believed one is not
    believed, f being ``price_jump_from`` or ``value_jump_from``.
    """

    volatility_target: float = 0.0
    drawdown_from: float = 0.0
    drawdown_multiplier: float = 0.5
    daily_loss_from: float = 0.0
    collapse_below: float = 0.0
    price_jump_from: float = 0.9
    value_jump_from: float = 0.9


@dataclass(frozen=True, slots=True)
class DriftParams:
    """Drift of strategy weights against their slow average."""

    alert_relative: float = 0.20
    span: float = 20.0
    max_strategies: int = 2048


@dataclass(frozen=True, slots=True)
class BlendParams:
    """Least confidence of a prediction that counts."""

    min_confidence: float = 0.5


@dataclass(frozen=True, slots=True)
class PerformanceParams:
    """Paired comparison: window of decisions, least count, bootstrap draws and block, seed."""

    window: int = 5000
    min_pairs: int = 20
    draws: int = 2000
    mean_block: float = 10.0
    level: float = 0.95
    seed: int = 20_251_226


@dataclass(frozen=True, slots=True)
class EngineParams:
    """The numbers of every stage, and the portfolio value for batches that name none."""

    portfolio_value: float = 100_000.0
    kelly: KellyParams = field(default_factory=KellyParams)
    records: RecordParams = field(default_factory=RecordParams)
    conformal: ConformalParams = field(default_factory=ConformalParams)
    sentiment: SentimentParams = field(default_factory=SentimentParams)
    regime: RegimeParams = field(default_factory=RegimeParams)
    cascade: CascadeParams = field(default_factory=CascadeParams)
    market: MarketParams = field(default_factory=MarketParams)
    signals: SignalParams = field(default_factory=SignalParams)
    strategies: StrategyParams = field(default_factory=StrategyParams)
    limits: LimitParams = field(default_factory=LimitParams)
    trading: TradingParams = field(default_factory=TradingParams)
    brakes: BrakeParams = field(default_factory=BrakeParams)
    drift: DriftParams = field(default_factory=DriftParams)
    blend: BlendParams = field(default_factory=BlendParams)
    performance: PerformanceParams = field(default_factory=PerformanceParams)

    def to_json(self) -> dict[str, Any]:
        """Plain nested dict, the canonical form that is journalled."""
        return asdict(self)

    def digest(self) -> str:
        """First 16 hex digits of the SHA-256 of the canonical JSON."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "EngineParams":
        """Rebuild from :meth:`to_json`'s form; unknown keys raise TypeError."""
        rooms: dict[str, Any] = {
            room.name: room.type for room in fields(EngineParams) if is_dataclass(room.type)
        }
        built = {name: rooms[name](**data[name]) for name in rooms if name in data}
        limits = built.get("limits")
        if isinstance(limits, LimitParams):
            groups = {name: tuple(members) for name, members in limits.groups.items()}
            built["limits"] = replace(limits, groups=groups)
        strategies = built.get("strategies")
        if isinstance(strategies, StrategyParams):
            built["strategies"] = StrategyParams(tuple(strategies.listed))
        rest = {name: value for name, value in data.items() if name not in rooms}
        return EngineParams(**rest, **built)
