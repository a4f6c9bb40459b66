"""Settings: the only reader of the environment, prefix ``HIMARI_INFERENCE_``.

Unknown variables of the prefix refuse to start, naming the nearest known one; every mistake is
named at once. ``Settings()`` only holds values; ``load_settings`` reads the environment.
"""

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from inference_server.serving.batching import BatchLimits
from inference_server.wire import MAX_LENGTH

PREFIX: Final = "HIMARI_INFERENCE_"
SHIPPED_MODELS: Final = Path(__file__).parent / "models"
_BATCH: Final = BatchLimits()


class SettingsError(Exception):
    """The settings are unusable; ``problems`` has a sentence for each reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _upper_case(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _visible(value: Any) -> Any:
    if isinstance(value, str) and not (
        value.isascii() and value.isprintable() and " " not in value
    ):
        raise ValueError("must be visible ASCII characters without blanks")
    return value


def _setting(default: Any, meaning: str, *, unit: str, why: str, **rules: Any) -> Any:
    """Declare a field: its default, meaning, unit, the reason of that default, its range."""
    return Field(
        default, description=meaning, json_schema_extra={"unit": unit, "why": why}, **rules
    )


class Settings(BaseSettings):
    """Every setting, frozen; each field has its meaning, unit and reason."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        validate_default=True,
    )

    host: str = _setting(
        "127.0.0.1",
        "Address to listen on.",
        unit="address",
        why="loopback, so that opening up is a decision",
        min_length=1,
    )
    port: int = _setting(
        8888, "Port to listen on; 0: any free one.", unit="port", why="the guide's", ge=0, le=65_535
    )
    model_dir: Path = _setting(
        SHIPPED_MODELS,
        "Folder of versions; the shipped one is the package's own.",
        unit="path",
        why="what is shipped",
    )
    model: str = _setting(
        "",
        "Version to serve; empty: what the folder's file `current` names.",
        unit="version",
        why="empty: the folder says, and a reload may change it",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,99})?$",
    )
    threads: int = _setting(
        1,
        "Of one run, count; two on contended cores cost up to 26x.",
        unit="count",
        why="two on contended cores cost up to 26 times as much",
        ge=1,
        le=64,
    )
    max_batch_rows: int = _setting(
        _BATCH.max_batch_rows,
        "Rows of one run, count; more gain nothing and delay others.",
        unit="rows",
        why="more gain nothing and delay others",
        ge=1,
        le=1024,
    )
    queue_rows: int = _setting(
        _BATCH.queue_rows,
        "Rows that may wait, count; beyond it 503.",
        unit="rows",
        why="one whole request and more; beyond it waiting is longer than deadlines",
        ge=1,
        le=1_000_000,
    )
    max_rows_per_request: int = _setting(
        5000,
        "Signals of one batch, count; beyond it 413.",
        unit="rows",
        why="the service's own MAX_SIGNALS",
        ge=1,
        le=MAX_LENGTH,
    )
    max_body_bytes: int = _setting(
        40_000_000,
        "Largest body; 5,000 signals with 256 returns each are 29 MB of JSON.",
        unit="bytes",
        why="5,000 signals with 256 returns each are 29 MB of JSON",
        ge=1_000,
        le=1_000_000_000,
    )
    body_timeout_sec: Annotated[float, Field(gt=0, le=3600)] = _setting(
        10.0,
        "Longest wait for a whole body, seconds; dripping ones hold a place.",
        unit="seconds",
        why="a dripping body holds a place",
    )
    request_timeout_sec: Annotated[float, Field(gt=0, le=3600)] = _setting(
        5.0,
        "From the body to the end of its last run, seconds; the caller's own.",
        unit="seconds",
        why="the service's own RL_TIMEOUT_SEC",
    )
    run_limit_sec: Annotated[float, Field(gt=0, le=3600)] = _setting(
        5.0,
        "A run that lasts longer is stuck: not ready, seconds.",
        unit="seconds",
        why="a run takes milliseconds: after that it is stuck",
    )
    max_in_flight: int = _setting(
        512,
        "Requests at once, count; beyond it 503.",
        unit="requests",
        why="as the service",
        ge=1,
        le=100_000,
    )
    api_key: Annotated[SecretStr | None, BeforeValidator(_visible)] = _setting(
        None,
        "Bearer token that callers must send; default: none.",
        unit="secret",
        why="none: loopback needs none",
        min_length=1,
    )
    metrics_open: bool = _setting(
        True, "GET /metrics needs no key.", unit="true, false", why="Prometheus needs no key"
    )
    drain_sec: Annotated[float, Field(ge=0, le=300)] = _setting(
        1.0,
        "Seconds of accepting on after SIGTERM, so balancers notice.",
        unit="seconds",
        why="long enough for balancers to notice",
    )
    otel_enabled: bool = _setting(
        False,
        "Traces by OTLP, as OTEL_* variables say; needs the extra otel.",
        unit="true, false",
        why="off: it is an extra, and not imported then",
    )
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper_case)
    ] = _setting(
        "INFO",
        "Least severity that is logged.",
        unit="DEBUG, INFO, WARNING, ERROR",
        why="what happened, not each step",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the base class passes all by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing but the arguments; ``load_settings`` reads the environment."""
        return (init_settings,)

    @model_validator(mode="after")
    def _a_whole_request_can_wait(self) -> Self:
        if self.queue_rows < self.max_rows_per_request:
            raise ValueError(
                f"{PREFIX}QUEUE_ROWS must be >= MAX_ROWS_PER_REQUEST {self.max_rows_per_request}, "
                f"was {self.queue_rows}"
            )
        return self


def load_settings() -> Settings:
    """Read the environment.

    Raises
    ------
    SettingsError
        With everything that is wrong: unknown names, unreadable values, broken ranges.
    """
    problems = list(_unknown_variables(os.environ))
    try:
        settings = Settings(**EnvSettingsSource(Settings)())
    except ValidationError as error:
        problems += [_sentence(entry) for entry in error.errors(include_url=False)]
    else:
        if not problems:
            return settings
    raise SettingsError(problems)


def setting_names() -> tuple[str, ...]:
    """Every environment variable that the server knows, in the order of the fields."""
    return tuple(f"{PREFIX}{name.upper()}" for name in Settings.model_fields)


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    known = setting_names()
    for name in sorted(environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            nearest = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.0)[0]
            yield f"{name} is not a known setting; the nearest is {nearest}"


def _sentence(entry: Any) -> str:
    message: str = entry["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    if not entry["loc"]:
        return message
    field = str(entry["loc"][0])
    shown = "" if field == "api_key" else f", was {entry['input']!r}"
    return f"{PREFIX}{field.upper()} {message}{shown}"
