"""The context of a running server, and how an endpoint gets it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol, cast

from pydantic import SecretStr
from starlette.requests import HTTPConnection

from inference_server.errors import NotServing
from inference_server.serving.predictor import Predictor
from inference_server.serving.switch import ModelSwitch
from inference_server.telemetry import Telemetry

Stage = Callable[[str], AbstractContextManager[object]]


class ApiSettings(Protocol):
    """The settings that the API reads; units are part of names."""

    @property
    def max_body_bytes(self) -> int:
        """Largest request body."""

    @property
    def body_timeout_sec(self) -> float:
        """Longest wait for a body to be complete."""

    @property
    def max_rows_per_request(self) -> int:
        """Most signals of one batch."""

    @property
    def max_in_flight(self) -> int:
        """Most requests at once."""

    @property
    def metrics_open(self) -> bool:
        """Whether ``GET /metrics`` answers without a key."""

    @property
    def api_key(self) -> SecretStr | None:
        """What callers must send; None means open."""


@dataclass(frozen=True, slots=True)
class ApiContext:
    """Settings, predictor, model switch and telemetry of a running server.

    ``trouble`` lists why the server is not ready; nothing when it is. ``stage`` opens a
    span of a trace around a part of a request.
    """

    settings: ApiSettings
    predictor: Predictor
    switch: ModelSwitch
    telemetry: Telemetry
    trouble: Callable[[], list[str]]
    stage: Stage = nullcontext


def context_of(connection: HTTPConnection) -> ApiContext:
    """Return the context that the lifespan built.

    Raises
    ------
    NotServing
        Before the start and after the stop.
    """
    context = getattr(connection.app.state, "context", None)
    if context is None:
        raise NotServing("the server is not running yet, or not any more")
    return cast("ApiContext", context)
