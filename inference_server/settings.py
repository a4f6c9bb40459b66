"""Settings: the only reader of the environment, prefix ``HIMARI_INFERENCE_``.

Unknown variables of the prefix refuse to start, naming the nearest known one; every mistake is
named at once. ``Settings()`` reads nothing, it holds values; ``load_settings`` reads the world.
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

PREFIX: Final = "HIMARI_INFERENCE_"
SHIPPED_MODELS: Final = Path(__file__).parent / "models"
# what one array of the wire may hold at most; see wire.py
_MOST_ROWS: Final = 8192


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


class Settings(BaseSettings):
    """Every setting, frozen; descriptions give unit and reason."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        validate_default=True,
    )

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(8888, ge=0, le=65_535, description="Port to listen on; 0: any free one.")
    model_dir: Path = Field(
        SHIPPED_MODELS, description="Folder of versions; the shipped one is the package's own."
    )
    model: str = Field(
        "",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,99})?$",
        description="Version to serve; empty: what the folder's file `current` names.",
    )
    threads: int = Field(
        1, ge=1, le=64, description="Of one run, count; two on contended cores cost up to 26x."
    )
    max_batch_rows: int = Field(
        32, ge=1, le=1024, description="Rows of one run, count; more gain nothing and delay others."
    )
    queue_rows: int = Field(
        8192, ge=1, le=1_000_000, description="Rows that may wait, count; beyond it 503."
    )
    max_rows_per_request: int = Field(
        5000, ge=1, le=_MOST_ROWS, description="Signals of one batch, count; beyond it 413."
    )
    max_body_bytes: int = Field(
        40_000_000,
        ge=1_000,
        le=1_000_000_000,
        description="Largest body; 5,000 signals with 256 returns each are 29 MB of JSON.",
    )
    body_timeout_sec: Annotated[float, Field(gt=0, le=3600)] = Field(
        10.0, description="Longest wait for a whole body, seconds; dripping ones hold a place."
    )
    request_timeout_sec: Annotated[float, Field(gt=0, le=3600)] = Field(
        5.0, description="From the body to the end of its last run, seconds; the caller's own."
    )
    run_limit_sec: Annotated[float, Field(gt=0, le=3600)] = Field(
        5.0, description="A run that lasts longer is stuck: not ready, seconds."
    )
    max_in_flight: int = Field(
        512, ge=1, le=100_000, description="Requests at once, count; beyond it 503."
    )
    api_key: Annotated[SecretStr | None, BeforeValidator(_visible)] = Field(
        None, min_length=1, description="Bearer token that callers must send; default: none."
    )
    metrics_open: bool = Field(default=True, description="GET /metrics needs no key.")
    drain_sec: Annotated[float, Field(ge=0, le=300)] = Field(
        1.0, description="Seconds of accepting on after SIGTERM, so balancers notice."
    )
    otel_enabled: bool = Field(
        default=False, description="Traces by OTLP, as OTEL_* variables say; needs the extra otel."
    )
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper_case)
    ] = Field("INFO", description="Least severity that is logged.")

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
