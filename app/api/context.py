"""What every endpoint may use: settings, clock, telemetry, the service, the caller's name."""

from dataclasses import dataclass, field
from typing import Protocol, cast

from starlette.requests import HTTPConnection

from app.api.gate.idempotency import InFlight
from app.api.response.problems import ServiceNotReady
from app.core.access import KeyRing
from app.pipeline.ports import Clock
from app.pipeline.service import SizingService


class ApiSettings(Protocol):
    """The settings that the API reads; units are part of names."""

    @property
    def max_body_bytes(self) -> int:
        """Largest request body."""

    @property
    def max_signals(self) -> int:
        """Most signals of one batch."""

    @property
    def max_in_flight(self) -> int:
        """Most requests at once."""

    @property
    def body_timeout_sec(self) -> float:
        """Longest wait for a body to be complete."""

    @property
    def enable_metrics(self) -> bool:
        """Whether ``GET /metrics`` answers."""

    @property
    def metrics_open(self) -> bool:
        """Whether it answers without a key."""

    @property
    def max_headers(self) -> int:
        """Most header fields of a request."""

    @property
    def max_header_bytes(self) -> int:
        """Largest head of a request."""

    @property
    def rate_limit_per_sec(self) -> float:
        """Requests a second of each key; 0: no limit."""

    @property
    def rate_limit_burst(self) -> int:
        """Requests that a rested key may make at once."""

    def key_ring(self) -> KeyRing:
        """Keys that callers may use; none means this machine alone."""


class EventCounter(Protocol):
    """The part of the telemetry port that the API uses."""

    def count(self, name: str, amount: int = 1) -> None:
        """Count a rare event by name."""


@dataclass(frozen=True, slots=True)
class ApiContext:
    """What every endpoint may use besides the service."""

    settings: ApiSettings
    clock: Clock
    telemetry: EventCounter
    in_flight: InFlight = field(default_factory=InFlight)


def context_of(connection: HTTPConnection) -> ApiContext:
    """Give the context that :func:`app.api.install` set."""
    return cast("ApiContext", connection.app.state.api)


def service_of(connection: HTTPConnection) -> SizingService:
    """Give the service that the lifespan started.

    Raises
    ------
    ServiceNotReady
        Before the start and after the stop.
    """
    service = getattr(connection.app.state, "service", None)
    if service is None:
        raise ServiceNotReady
    return cast("SizingService", service)


def owner_of(connection: HTTPConnection) -> str:
    """Name of the API key of this request; "" where none is needed."""
    return cast("str", connection.scope.get("himari.owner", ""))
