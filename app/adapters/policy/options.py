"""Options of the policy client; this module loads no client of HTTP, for the settings read it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Literal

Wire = Literal["json", "msgpack"]
TraceCall = Callable[[str], AbstractContextManager[Mapping[str, str]]]


def untraced(host: str) -> AbstractContextManager[Mapping[str, str]]:
    """Return a context without a span and without headers, where tracing is off."""
    del host
    return nullcontext({})


@dataclass(frozen=True, slots=True)
class HttpPolicyOptions:
    """Options of the client beyond endpoint and deadline.

    ``api_key`` is sent as a bearer token; ``headers`` are for tunnels. ``max_concurrent``
    exchanges may be in flight. A row of another version than ``expected_model_version`` is
    invalid. Retry-After is heeded up to ``retry_after_cap_sec``. With ``ca_file`` (PEM) an https
    endpoint needs a certificate of these authorities, without it one of the public ones.
    ``trace_call`` surrounds each request and gives the headers that propagate its trace.
    """

    api_key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    wire: Wire = "json"
    max_concurrent: int = 32
    expected_model_version: str | None = None
    retry_after_cap_sec: float = 30.0
    ca_file: str | None = None
    trace_call: TraceCall = untraced
