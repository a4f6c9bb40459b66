"""Asking a policy server in tests: a valid signal, a client, and the failure that comes out."""

import asyncio
import json
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

from app.adapters.policy.http import HttpPolicyClient
from app.adapters.policy.options import HttpPolicyOptions
from app.core.errors import Blame, PolicyFailure
from app.core.types import Action, FallbackReason, PolicyInput, Regime
from tests.fakes import FakeClock

DEADLINE = 0.15
# The client promises 10 ms; the rest is for a machine shared with other work.
MARGIN = 0.1
TIMEOUT, CONNECTION = FallbackReason.TIMEOUT, FallbackReason.CONNECTION_ERROR
STATUS, INVALID = FallbackReason.BAD_STATUS, FallbackReason.INVALID_PREDICTION
FAILURE, NEUTRAL = Blame.FAILURE, Blame.NEUTRAL


def signal(symbol: str = "BTC-USD", confidence: float = 0.8, **changes: Any) -> PolicyInput:
    valid: dict[str, Any] = {
        "symbol": symbol,
        "action": Action.BUY,
        "confidence": confidence,
        "risk_score": 0.25,
        "regime": Regime.TRENDING_UP,
        "expected_return": 0.12,
        "predicted_volatility": 0.04,
        "baseline_pct": 0.08,
        "current_pct": 0.02,
        "returns": np.array([0.01, -0.02, 0.03]),
        "interval_sec": 86400.0,
        "market_data": {"depth": [1, 2.5]},
    }
    return PolicyInput(**(valid | changes))


def client_for(
    endpoint: str,
    *,
    timeout_sec: float = DEADLINE,
    clock: FakeClock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    **options: Any,
) -> HttpPolicyClient:
    return HttpPolicyClient(
        endpoint,
        timeout_sec,
        clock=clock or FakeClock(),
        options=HttpPolicyOptions(**options),
        transport=transport,
    )


async def failure_of(client: HttpPolicyClient, *rows: PolicyInput) -> PolicyFailure:
    """Ask, and give the failure, having checked that it came in time."""
    started = time.perf_counter()
    with pytest.raises(PolicyFailure) as caught:
        await client.predict(rows or (signal(),))
    assert time.perf_counter() - started <= DEADLINE + MARGIN
    return caught.value


async def eventually(holds: Callable[[], bool], within_sec: float = 2.0) -> None:
    for _ in range(round(within_sec / 0.005)):
        if holds():
            return
        await asyncio.sleep(0.005)
    pytest.fail(f"not within {within_sec} s")


def batch(*rows: dict[str, Any], **top: Any) -> str:
    return json.dumps({"predictions": list(rows)} | top)


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
