"""The settings themselves: every name with its unit, default, range and reason.

``Settings()`` reads nothing, it holds values; ``load_settings`` reads the world.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

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
    RegimeParams,
    SentimentParams,
    TradingParams,
)
from app.core.policy.breaker import BreakerParams
from app.settings import groups, values

_LIVE_GROUPS: Final = frozenset(
    {"kelly", "conformal", "sentiment", "regime", "cascade", "market", "limits", "trading"}
    | {"brakes", "drift", "performance"}
)
_LIVE: Final = frozenset(
    {"portfolio_value", "kelly_fraction", "max_position_pct", "max_strategy_pct"}
    | {"max_portfolio_pct", "rebalance_span", "allow_short", "rl_min_confidence", "log_level"}
    | {f"notify.{name}" for name in ("limit_near_pct", "limit_clear_pct", "demoted_after")}
)

Mode = Literal["fallback", "mock", "real"]
Pct = Annotated[float, Field(gt=0, le=1)]


class Settings(BaseSettings):
    """Every setting, frozen; descriptions give unit and reason."""

    model_config = SettingsConfigDict(
        env_prefix="HIMARI_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    portfolio_value: Annotated[float, Field(gt=0, le=1e15)] = Field(
        100_000.0, description="USD, for batches that name none."
    )
    kelly_fraction: Pct = Field(
        0.25, description="Fraction of full Kelly; a quarter, as the edge is only claimed."
    )
    max_position_pct: Pct = Field(0.15, description="|net| of a symbol, fraction of portfolio.")
    max_strategy_pct: Pct = Field(0.40, description="Gross of a strategy, fraction.")
    max_portfolio_pct: Pct = Field(0.80, description="Gross of all, fraction; the rest is cash.")
    rebalance_span: Annotated[float, BeforeValidator(values.rebalance_span)] = Field(
        0.0, description="EWMA span of weights, decisions; 0: go to the target at once, else >= 1."
    )
    allow_short: bool = Field(default=False, description="Whether a target may be negative.")
    kelly: groups.KellyGroup = groups.KellyGroup()
    conformal: groups.ConformalGroup = groups.ConformalGroup()
    sentiment: groups.SentimentGroup = groups.SentimentGroup()
    regime: groups.RegimeGroup = groups.RegimeGroup()
    cascade: groups.CascadeGroup = groups.CascadeGroup()
    market: groups.MarketGroup = groups.MarketGroup()
    limits: groups.LimitsGroup = groups.LimitsGroup()
    trading: groups.TradingGroup = groups.TradingGroup()
    brakes: groups.BrakesGroup = groups.BrakesGroup()
    drift: groups.DriftGroup = groups.DriftGroup()
    performance: groups.PerformanceGroup = groups.PerformanceGroup()

    enable_rl: bool = Field(default=False, description="Ask the policy; off: Phase 2 alone.")
    use_mock_rl: bool = Field(default=False, description="A seeded mock instead of the endpoint.")
    mock_seed: int = Field(0, ge=0, description="Seed of the mock; any.")
    rl_endpoint: Annotated[str, BeforeValidator(values.http_url)] = Field(
        "http://localhost:8888/predict", repr=False, description="URL of the policy, http or https."
    )
    rl_timeout_sec: Annotated[float, Field(gt=0, le=300)] = Field(
        5.0, description="Deadline of the whole exchange, seconds."
    )
    rl_min_confidence: groups.Share = Field(
        0.5, description="Least confidence of a prediction that counts."
    )
    rl_max_concurrent: int = Field(
        32, ge=1, le=10_000, description="Policy calls at once, count; beyond it: overloaded."
    )
    rl_wire: Literal["json", "msgpack"] = Field("json", description="Encoding of policy calls.")
    rl_model_version: str | None = Field(
        None, description="Expected model version; another is an invalid prediction. None: any."
    )
    rl_api_key: SecretStr | None = Field(None, description="Sent to the policy as Bearer.")
    rl_ca_file: str | None = Field(
        None, description="PEM file of the only authorities trusted for RL_ENDPOINT; none: public."
    )
    rl_headers: Annotated[dict[str, SecretStr], BeforeValidator(values.header_values)] = Field(
        default_factory=dict, description="Further headers to the policy, JSON; for tunnels."
    )
    circuit_breaker: groups.CircuitBreakerGroup = groups.CircuitBreakerGroup()

    notify: groups.NotifyGroup = groups.NotifyGroup()
    enable_metrics: bool = Field(default=True, description="Serve GET /metrics.")
    metrics_open: bool = Field(default=True, description="Serve it without an API key.")
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(values.api_keys)] = Field(
        (),
        description="Keys of callers: between commas, or a JSON list; plain, or name:roles:hash; "
        "none: open on loopback, shut elsewhere.",
    )
    keys_file: str | None = Field(
        None, description="File of hashed keys, as himari keys writes it; read again when changed."
    )
    rate_limit_per_sec: Annotated[float, Field(ge=0, le=1e6)] = Field(
        0.0, description="Requests a second of each key, count; beyond it 429; 0: no limit."
    )
    rate_limit_burst: int = Field(
        100, ge=1, le=1_000_000, description="Requests that a rested key may make at once, count."
    )
    database_url: Annotated[str, BeforeValidator(values.database_url)] = Field(
        "sqlite:///himari.db", repr=False, description="Journal: sqlite:/// or postgresql://."
    )
    synchronous: Annotated[Literal["FULL", "NORMAL"], BeforeValidator(values.upper_case)] = Field(
        "FULL", description="SQLite commits; NORMAL survives kill -9, not power loss."
    )
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on; 0: any free one.")
    ssl_certfile: str | None = Field(
        None, description="PEM file of the certificate that himari serve shows; none: no TLS."
    )
    ssl_keyfile: str | None = Field(
        None, description="PEM file of its private key; none: in the certificate's file."
    )
    drain_sec: Annotated[float, Field(ge=0, le=300)] = Field(
        1.0, description="Seconds of accepting on after SIGTERM, so balancers notice."
    )
    max_header_bytes: int = Field(
        65_536, ge=1_024, le=10_000_000, description="Largest head of a request, bytes."
    )
    max_headers: int = Field(
        100, ge=10, le=10_000, description="Most header fields of a request, count."
    )
    header_timeout_sec: Annotated[float, Field(gt=0, le=3600)] = Field(
        10.0, description="Longest wait of himari serve for a whole head, seconds."
    )
    max_body_bytes: int = Field(
        5_000_000, ge=1_000, le=1_000_000_000, description="Largest request body, bytes."
    )
    body_timeout_sec: Annotated[float, Field(gt=0, le=3600)] = Field(
        10.0, description="Longest wait for a whole body, seconds; dripping ones hold a place."
    )
    max_signals: int = Field(5_000, ge=1, le=100_000, description="Most signals of a batch, count.")
    max_in_flight: int = Field(
        512, ge=1, le=100_000, description="Requests at once, count; beyond it 503."
    )
    otel_enabled: bool = Field(
        default=False, description="Traces by OTLP, as OTEL_* variables say; needs the extra otel."
    )
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(values.upper_case)
    ] = Field("INFO", description="Least severity that is logged.")
    config_file: str | None = Field(None, description="YAML file with any of these; env wins.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the base class passes all by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing but the arguments; ``load_settings`` reads environment and file."""
        return (init_settings,)

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_number(cls, value: Any, info: ValidationInfo) -> Any:
        return groups.refuse_boolean(cls.model_fields[info.field_name or ""].annotation, value)

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
            conformal=ConformalParams(**_fields(self.conformal)),
            sentiment=SentimentParams(**_fields(self.sentiment)),
            regime=RegimeParams(**_fields(self.regime)),
            cascade=CascadeParams(**_fields(self.cascade)),
            market=MarketParams(**_fields(self.market)),
            limits=LimitParams(
                max_position_pct=self.max_position_pct,
                max_strategy_pct=self.max_strategy_pct,
                max_portfolio_pct=self.max_portfolio_pct,
                allow_short=self.allow_short,
                **_fields(self.limits),
            ),
            trading=TradingParams(rebalance_span=self.rebalance_span, **_fields(self.trading)),
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
            chosen["probe_lease_sec"] = max(30.0, 2.0 * self.rl_timeout_sec)
        return replace(BreakerParams(), **chosen)

    def public_dump(self) -> dict[str, Any]:
        """All settings as JSON-able values, secrets masked."""
        dump = self.model_dump(mode="json")
        dump["database_url"] = values.without_password(self.database_url)
        dump["rl_endpoint"] = values.without_password(self.rl_endpoint)
        return dump


def group_names() -> tuple[str, ...]:
    """Fields that are groups."""
    rooms = Settings.model_fields.items()
    return tuple(name for name, field in rooms if isinstance(field.default, groups.Group))


def is_live(name: str) -> bool:
    """Whether a setting, by dotted name, may change at run time; others need a restart.

    Live is what the next decision reads: every number of `EngineParams`; also what is told of
    limits and models, and the level of the log.
    """
    return name in _LIVE or name.partition(".")[0] in _LIVE_GROUPS


def _fields(group: groups.Group) -> dict[str, Any]:
    return {name: getattr(group, name) for name in type(group).model_fields}
