"""All settings together, and what is built from them.

``Settings()`` reads nothing, it holds values; ``load_settings`` reads the world.
"""

from collections.abc import Iterable
from typing import Any, Final, Literal, Self

from pydantic import model_validator

from app.core.access import KeyRing
from app.core.params import (
    BlendParams,
    BrakeParams,
    CascadeParams,
    ConformalParams,
    DriftParams,
    EngineParams,
    KellyParams,
    LimitParams,
    MarketParams,
    PerformanceParams,
    RecordParams,
    RegimeParams,
    SentimentParams,
    SignalParams,
    StrategyParams,
    TradingParams,
)
from app.core.policy.circuit import BreakerParams
from app.settings import values
from app.settings.engine import EngineSettings
from app.settings.policy import PolicySettings
from app.settings.server import ServerSettings
from app.settings.setting import Group

_LIVE: Final = frozenset(
    {"rl_min_confidence", "log_level"}
    | {f"notify.{name}" for name in ("limit_near_pct", "limit_clear_pct", "demoted_after")}
)

# read once: what they say changes what the journal's fold keeps
_AT_START: Final = frozenset({"signals.standing", "market.bar_sec"})

Mode = Literal["fallback", "mock", "real"]


# the fields of the last base come first
class Settings(ServerSettings, PolicySettings, EngineSettings):
    """Every setting, frozen; each field has its meaning, unit and reason."""

    @model_validator(mode="after")
    def _probe_outlives_call(self) -> Self:
        lease = self.circuit_breaker.probe_lease_sec
        if lease is not None and lease <= self.rl_timeout_sec:
            raise ValueError(
                "circuit_breaker.probe_lease_sec must be > rl_timeout_sec "
                f"{self.rl_timeout_sec:g}, was {lease:g}"
            )
        return self

    @model_validator(mode="after")
    def _one_slowness(self) -> Self:
        if self.rebalance_span > 0.0 and self.rebalance_half_life_sec > 0.0:
            raise ValueError(
                "rebalance_half_life_sec stands for rebalance_span: set one of them to 0, "
                f"were {self.rebalance_half_life_sec:g} and {self.rebalance_span:g}"
            )
        return self

    @model_validator(mode="after")
    def _certificate_for_its_key(self) -> Self:
        if self.ssl_keyfile is not None and self.ssl_certfile is None:
            raise ValueError("ssl_keyfile needs ssl_certfile beside it")
        return self

    @property
    def guarded(self) -> bool:
        """Whether callers need a key: a key file guards even while it holds none."""
        return bool(self.api_keys) or self.keys_file is not None

    def key_ring(self) -> KeyRing:
        """Hash the keys of the settings themselves; those of the file are not among them."""
        return values.key_ring(self.api_keys)

    @property
    def mode(self) -> Mode:
        """``fallback`` while ENABLE_RL is off, whatever else is set."""
        if not self.enable_rl:
            return "fallback"
        return "mock" if self.use_mock_rl else "real"

    def to_engine_params(self) -> EngineParams:
        """Build the core's numbers."""
        return EngineParams(
            portfolio_value=self.portfolio_value,
            kelly=KellyParams(fraction=self.kelly_fraction, **_fields(self.kelly)),
            records=RecordParams(**_fields(self.records)),
            conformal=ConformalParams(**_fields(self.conformal)),
            sentiment=SentimentParams(**_fields(self.sentiment)),
            regime=RegimeParams(**_fields(self.regime)),
            cascade=CascadeParams(**_fields(self.cascade)),
            market=MarketParams(**_fields(self.market)),
            signals=SignalParams(**_fields(self.signals)),
            strategies=StrategyParams(**_fields(self.strategies)),
            limits=LimitParams(
                max_position_pct=self.max_position_pct,
                max_strategy_pct=self.max_strategy_pct,
                max_portfolio_pct=self.max_portfolio_pct,
                allow_short=self.allow_short,
                **_fields(self.limits),
            ),
            trading=TradingParams(
                rebalance_span=self.rebalance_span,
                rebalance_half_life_sec=self.rebalance_half_life_sec,
                **_fields(self.trading),
            ),
            brakes=BrakeParams(**_fields(self.brakes)),
            drift=DriftParams(**_fields(self.drift)),
            blend=BlendParams(min_confidence=self.rl_min_confidence),
            performance=PerformanceParams(**_fields(self.performance)),
        )

    def with_live(self, other: Self, names: Iterable[str]) -> Self:
        """Take over these settings, by dotted name, from other ones that were checked."""
        update: dict[str, Any] = {}
        for name in names:
            room, _, field = name.partition(".")
            value = getattr(other, room)
            if field:
                group = update.get(room, getattr(self, room))
                value = group.model_copy(update={field: getattr(value, field)})
            update[room] = value
        return self.model_copy(update=update)

    def to_breaker_params(self) -> BreakerParams:
        """Build the breaker's numbers; the probe lease outlives a call."""
        chosen = _fields(self.circuit_breaker)
        if chosen["probe_lease_sec"] is None:
            least = BreakerParams().probe_lease_sec
            chosen["probe_lease_sec"] = max(least, 2.0 * self.rl_timeout_sec)
        return BreakerParams(**chosen)


def group_names() -> tuple[str, ...]:
    """Fields that are groups."""
    rooms = Settings.model_fields.items()
    return tuple(name for name, field in rooms if isinstance(field.default, Group))


def is_live(name: str) -> bool:
    """Whether a setting, by dotted name, may change at run time; others need a restart.

    Live is what the next decision reads: every number of `EngineParams`, but what is read once;
    also the thresholds of notices on limits and models, and the level of the log.
    """
    if name in _AT_START:
        return False
    return name in _LIVE or name.partition(".")[0] in EngineSettings.model_fields


def _fields(group: Group) -> dict[str, Any]:
    return {name: getattr(group, name) for name in type(group).model_fields}
