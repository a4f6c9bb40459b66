"""Settings of the server: who is told, who may call, where it listens, what it takes."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from app.core.types import TradingState
from app.settings import values
from app.settings.notify import NotifyGroup
from app.settings.setting import Part, setting


class ServerSettings(Part):
    """Notices, metrics, keys, journal, address and bounds of the service."""

    notify: NotifyGroup = NotifyGroup()
    enable_metrics: bool = setting(
        True, "Serve GET /metrics.", unit="true, false", why="what nobody measures nobody mends"
    )
    metrics_open: bool = setting(
        True,
        "Serve it without an API key.",
        unit="true, false",
        why="Prometheus needs no key; close it where others reach it",
    )
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(values.api_keys)] = (
        setting(
            (),
            "Keys of callers: between commas, or a JSON list; plain, or name:roles:hash; "
            "none: open on loopback, shut elsewhere.",
            unit="secret, between commas",
            why="none: this machine alone is served",
        )
    )
    keys_file: str | None = setting(
        None,
        "File of hashed keys, as himari keys writes it; read again when changed.",
        unit="path",
        why="none; hashes, and revoked within a second",
    )
    rate_limit_per_sec: Annotated[float, Field(ge=0, le=1e6)] = setting(
        0.0,
        "Requests a second of each key, count; beyond it 429; 0: no limit.",
        unit="requests a second",
        why="0 is off: callers are your own",
    )
    rate_limit_burst: int = setting(
        100,
        "Requests that a rested key may make at once, count.",
        unit="requests",
        why="a start-up's worth",
        ge=1,
        le=1_000_000,
    )
    database_url: Annotated[str, BeforeValidator(values.database_url)] = setting(
        "sqlite:///himari.db",
        "Journal: sqlite:/// or postgresql://.",
        unit="URL",
        why="a file here: nothing to install",
        repr=False,
    )
    synchronous: Annotated[Literal["FULL", "NORMAL"], BeforeValidator(values.upper_case)] = setting(
        "FULL",
        "SQLite commits; NORMAL survives kill -9, not power loss.",
        unit="FULL, NORMAL",
        why="an answered decision survives power loss",
    )
    trading_state_at_first: Annotated[TradingState, BeforeValidator(values.upper_case)] = setting(
        TradingState.ACTIVE,
        "Trading state that a new journal begins with.",
        unit="ACTIVE, REDUCING, HALTED",
        why="a trial decides at once; HALTED where a lost journal must not trade",
    )
    host: str = setting(
        "127.0.0.1",
        "Address to listen on.",
        unit="address",
        why="loopback, so that opening up is a decision",
        min_length=1,
    )
    port: int = setting(
        8000,
        "Port to listen on; 0: any free one.",
        unit="port",
        why="the usual one",
        ge=0,
        le=65_535,
    )
    ssl_certfile: str | None = setting(
        None,
        "PEM file of the certificate that himari serve shows; none: no TLS.",
        unit="path",
        why="none: loopback needs no TLS",
    )
    ssl_keyfile: str | None = setting(
        None,
        "PEM file of its private key; none: in the certificate's file.",
        unit="path",
        why="none: in the certificate's file",
    )
    drain_sec: Annotated[float, Field(ge=0, le=300)] = setting(
        1.0,
        "Seconds of accepting on after SIGTERM, so balancers notice.",
        unit="seconds",
        why="long enough for balancers to notice",
    )
    max_header_bytes: int = setting(
        65_536,
        "Largest head of a request, bytes.",
        unit="bytes",
        why="what servers usually take",
        ge=1_024,
        le=10_000_000,
    )
    max_headers: int = setting(
        100,
        "Most header fields of a request, count.",
        unit="fields",
        why="what servers usually take",
        ge=10,
        le=10_000,
    )
    header_timeout_sec: Annotated[float, Field(gt=0, le=3600)] = setting(
        10.0,
        "Longest wait of himari serve for a whole head, seconds.",
        unit="seconds",
        why="a slow head holds a place",
    )
    max_body_bytes: int = setting(
        5_000_000,
        "Largest request body, bytes.",
        unit="bytes",
        why="5,000 signals and room",
        ge=1_000,
        le=1_000_000_000,
    )
    body_timeout_sec: Annotated[float, Field(gt=0, le=3600)] = setting(
        10.0,
        "Longest wait for a whole body, seconds; dripping ones hold a place.",
        unit="seconds",
        why="a dripping body holds a place",
    )
    max_signals: int = setting(
        5_000,
        "Most signals of a batch, count.",
        unit="signals",
        why="bounds the time of one decision",
        ge=1,
        le=100_000,
    )
    max_in_flight: int = setting(
        512,
        "Requests at once, count; beyond it 503.",
        unit="requests",
        why="well above the 128 that are promised a place",
        ge=1,
        le=100_000,
    )
    otel_enabled: bool = setting(
        False,
        "Traces by OTLP, as OTEL_* variables say; needs the extra otel.",
        unit="true, false",
        why="off: it is an extra, and not imported then",
    )
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(values.upper_case)
    ] = setting(
        "INFO",
        "Least severity that is logged.",
        unit="DEBUG, INFO, WARNING, ERROR",
        why="what happened, not each step",
    )
    config_file: str | None = setting(
        None,
        "YAML file with any of these; env wins.",
        unit="path",
        why="none; the environment is enough to start",
    )
