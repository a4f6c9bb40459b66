"""Logs are JSON lines with the request's id, and hold neither bodies nor keys."""

import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edge.json_log import configure_logging
from tests.inference_server.folders import write_model
from tests.inference_server.policies import EchoPolicy
from tests.inference_server.signals import signal
from tests.inference_server.site import build_app, running


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def logged(
    store: Path, echo: EchoPolicy, ask: Callable[[Any], Any], **settings: Any
) -> list[dict[str, Any]]:
    stream = io.StringIO()
    app = build_app(store, echo, **settings)
    configure_logging("INFO", stream)
    async with running(app) as client:
        await ask(client)
    return lines_of(stream)


async def test_a_failing_model_is_logged_once_with_the_requests_id(
    store: Path, echo: EchoPolicy
) -> None:
    write_model(store, kind="echo")
    echo.poison = {float(np.float32(0.125))}

    async def ask(client: Any) -> None:
        headers = {"x-request-id": "mine", "authorization": "Bearer s3cret"}
        row = signal(confidence=0.125, symbol="SECRET-SYMBOL")
        await asyncio.gather(
            client.post("/predict", json=row, headers=headers),
            client.post("/predict", json=signal(), headers={"authorization": "Bearer wrong-one"}),
        )

    lines = await logged(store, echo, ask, api_key="s3cret")
    (failed,) = [line for line in lines if line["event"] == "model-failed"]
    assert (failed["request_id"], failed["path"], failed["level"]) == ("mine", "/predict", "error")
    assert "poisonous rows" in failed["exception"]
    for secret in ("s3cret", "wrong-one", "SECRET-SYMBOL"):
        assert secret not in json.dumps(lines)


async def test_switching_models_is_logged_with_both_versions(store: Path, echo: EchoPolicy) -> None:
    write_model(store, "v1", kind="echo")
    write_model(store, "v2", kind="echo")

    async def ask(client: Any) -> None:
        await client.post("/model/reload", json={"version": "v2"})
        await client.post("/model/reload", json={"version": "v3"})

    events = {line["event"]: line for line in await logged(store, echo, ask)}
    assert (events["model_switched"]["old"], events["model_switched"]["new"]) == ("v1", "v2")
    assert "v3 is not a folder" in events["reload_refused"]["reason"]
    assert events["model_loaded"]["version"] == "v1"
