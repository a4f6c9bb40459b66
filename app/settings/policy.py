"""Settings of the policy: the endpoint, how it is asked, and the breaker before it."""

from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from app.adapters.policy.options import HttpPolicyOptions
from app.core.params import BlendParams
from app.core.policy.circuit import BreakerParams
from app.settings import values
from app.settings.setting import Group, Part, Positive, Share, setting

_BREAKER: Final = BreakerParams()


class CircuitBreakerGroup(Group):
    """The breaker between the service and the policy."""

    enabled: bool = setting(
        _BREAKER.enabled,
        "false bypasses it.",
        unit="true, false",
        why="a dead endpoint must not cost every decision a timeout",
    )
    failure_threshold: int = setting(
        _BREAKER.failure_threshold,
        "Failures in a row that open it, count.",
        unit="failures in a row",
        why="more than a hiccup",
        ge=1,
        le=10_000,
    )
    initial_timeout_sec: Annotated[float, Field(gt=0, le=86_400)] = setting(
        _BREAKER.initial_timeout_sec,
        "First wait before a probe, seconds.",
        unit="seconds",
        why="what a restart takes",
    )
    max_timeout_sec: Annotated[float, Field(gt=0, le=86_400)] = setting(
        _BREAKER.max_timeout_sec,
        "Longest wait, seconds.",
        unit="seconds",
        why="back within five minutes of mending",
    )
    backoff_multiplier: Annotated[float, Field(ge=1, le=100)] = setting(
        _BREAKER.backoff_multiplier,
        "Growth of the wait with each failed probe.",
        unit="factor",
        why="30, 60, 120, 240, 300 s",
    )
    jitter: Share = setting(
        _BREAKER.jitter,
        "Stretches each wait by up to this fraction; off.",
        unit="fraction",
        why="0: exact waits; replicas want some",
    )
    failure_rate: Share = setting(
        _BREAKER.failure_rate,
        "Share of failures that opens it too; 0 is off.",
        unit="fraction",
        why="0 is off: failures in a row are enough at first",
    )
    rate_window_sec: Positive = setting(
        _BREAKER.rate_window_sec,
        "Window of that share, seconds.",
        unit="seconds",
        why="a minute: older failures say little of now",
    )
    rate_min_calls: int = setting(
        _BREAKER.rate_min_calls,
        "Calls before the share counts, count.",
        unit="calls",
        why="a share of fewer means nothing",
        ge=1,
    )
    probe_lease_sec: Positive | None = setting(
        None,
        f"How long a probe may stay silent, seconds; where absent {_BREAKER.probe_lease_sec:g} or "
        "twice RL_TIMEOUT_SEC, the longer.",
        unit="seconds",
        why="none: outlives a call, whatever its deadline",
    )

    @model_validator(mode="after")
    def _waits_ordered(self) -> Self:
        if self.max_timeout_sec < self.initial_timeout_sec:
            raise ValueError(
                f"max_timeout_sec must be >= initial_timeout_sec {self.initial_timeout_sec:g}, "
                f"was {self.max_timeout_sec:g}"
            )
        return self


class PolicySettings(Part):
    """Whether a policy is asked, which one, and how."""

    enable_rl: bool = setting(
        False,
        "Ask the policy; off: Phase 2 alone.",
        unit="true, false",
        why="off until you have looked at Phase 2",
    )
    use_mock_rl: bool = setting(
        False,
        "A seeded mock instead of the endpoint.",
        unit="true, false",
        why="for trials of the whole pipeline, never for money",
    )
    mock_seed: int = setting(
        0, "Seed of the mock; any.", unit="any integer", why="fixed: the same trial twice", ge=0
    )
    rl_endpoint: Annotated[str, BeforeValidator(values.http_url)] = setting(
        "http://localhost:8888/predict",
        "URL of the policy, http or https.",
        unit="URL",
        why="where the guide's server listens",
        repr=False,
    )
    rl_timeout_sec: Annotated[float, Field(gt=0, le=300)] = setting(
        5.0,
        "Deadline of the whole exchange, seconds.",
        unit="seconds",
        why="the guide's; the shipped server needs milliseconds",
    )
    rl_min_confidence: Share = setting(
        BlendParams().min_confidence,
        "Least confidence of a prediction that counts.",
        unit="fraction",
        why="our own model answers 0 or at least this",
    )
    rl_max_concurrent: int = setting(
        HttpPolicyOptions().max_concurrent,
        "Policy calls at once, count; beyond it: overloaded.",
        unit="calls",
        why="bounds sockets; beyond it Phase 2 decides at once",
        ge=1,
        le=10_000,
    )
    rl_wire: Literal["json", "msgpack"] = setting(
        "json",
        "Encoding of policy calls.",
        unit="json, msgpack",
        why="every server reads JSON; msgpack is for big batches",
    )
    rl_model_version: str | None = setting(
        None,
        "Expected model version; another is an invalid prediction. None: any.",
        unit="text",
        why="none: any; pin it in production",
    )
    rl_api_key: SecretStr | None = setting(
        None,
        "Sent to the policy as Bearer.",
        unit="secret",
        why="none: the guide's server asks for none",
    )
    rl_ca_file: str | None = setting(
        None,
        "PEM file of the only authorities trusted for RL_ENDPOINT; none: public.",
        unit="path",
        why="none: the public authorities",
    )
    rl_headers: Annotated[dict[str, SecretStr], BeforeValidator(values.header_values)] = setting(
        {},
        "Further headers to the policy, JSON; for tunnels.",
        unit="JSON: name to value",
        why="none; some tunnels want one",
    )
    circuit_breaker: CircuitBreakerGroup = CircuitBreakerGroup()
