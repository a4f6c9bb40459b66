"""The allocation service's own client against this server: only the wire between them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.adapters.policy.http import HttpPolicyClient
from app.adapters.policy.options import HttpPolicyOptions, Wire
from app.core.errors import Blame, PolicyFailure
from app.core.types import Action, FallbackReason, PolicyInput, Regime
from tests.fakes import FakeClock
from tests.inference_server.folders import write_model
from tests.inference_server.site import build_app, listening

KEY = "s3cret"


@pytest.fixture
async def address(store: Path) -> AsyncIterator[str]:
    """Serve the shipped model behind a key."""
    with listening(build_app(store, api_key=KEY)) as found:
        yield found


def inputs(count: int, **changes: Any) -> list[PolicyInput]:
    rng = np.random.default_rng(0)
    valid: dict[str, Any] = {
        "confidence": 0.8,
        "risk_score": 0.2,
        "expected_return": 0.001,
        "predicted_volatility": 0.02,
        "current_pct": 0.0,
        "interval_sec": 86400.0,
    }
    rows: list[dict[str, Any]] = [
        {
            "symbol": f"S{index}",
            "action": list(Action)[index % 5],
            "regime": list(Regime)[index % 5],
            "baseline_pct": float(rng.uniform(-0.15, 0.15)),
            "returns": rng.normal(0.0, 0.01, 300),
            "market_data": {"note": "anything"},
        }
        for index in range(count)
    ]
    return [PolicyInput(**(row | valid | changes)) for row in rows]


def client(address: str, wire: Wire = "json", key: str | None = KEY) -> HttpPolicyClient:
    options = HttpPolicyOptions(api_key=key, wire=wire, expected_model_version="dummy-1")
    return HttpPolicyClient(f"{address}/predict", 10.0, clock=FakeClock(), options=options)


@pytest.mark.parametrize("wire", ["json", "msgpack"])
async def test_a_batch_goes_there_and_back_in_one_call(address: str, wire: Wire) -> None:
    policy, rows = client(address, wire), inputs(70)
    predictions = await policy.predict(rows)
    assert len(predictions) == 70
    for row, prediction in zip(rows, predictions, strict=True):
        assert prediction is not None
        # a model that answers the baseline changes nothing: to the last bit
        assert prediction.position_pct == row.baseline_pct
        assert (prediction.confidence, prediction.model_version) == (0.5, "dummy-1")
    assert policy.statistics()["upstream_calls"] == 1
    await policy.close()


@pytest.mark.parametrize("wire", ["json", "msgpack"])
async def test_a_refused_row_drops_that_row_alone(address: str, wire: Wire) -> None:
    policy, rows = client(address, wire), inputs(3)
    rows[1] = inputs(1, returns=np.array([0.01, -2.0]))[0]
    predictions = await policy.predict(rows)
    assert [prediction is None for prediction in predictions] == [False, True, False]
    await policy.close()


async def test_with_only_bad_rows_the_fault_is_the_callers(address: str) -> None:
    policy = client(address)
    with pytest.raises(PolicyFailure) as failure:
        await policy.predict(inputs(2, returns=np.array([-2.0])))
    assert failure.value.reason is FallbackReason.BAD_STATUS
    assert failure.value.blame is Blame.NEUTRAL
    await policy.close()


async def test_a_wrong_key_is_the_callers_fault_too(address: str) -> None:
    policy = client(address, key="wrong")
    with pytest.raises(PolicyFailure) as failure:
        await policy.predict(inputs(1))
    assert failure.value.blame is Blame.NEUTRAL
    await policy.close()


async def test_without_a_model_the_client_is_told_to_wait(store: Path) -> None:
    write_model(store, kind="unheard of")
    with listening(build_app(store, api_key=KEY)) as address:
        policy = client(address)
        with pytest.raises(PolicyFailure) as failure:
            await policy.predict(inputs(1))
        assert failure.value.reason is FallbackReason.BAD_STATUS
        assert policy.statistics()["held_for_sec"] == 1.0
        await policy.close()
