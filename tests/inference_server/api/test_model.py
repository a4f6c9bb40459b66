"""The card, and switching models over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.inference_server.folders import write_model
from tests.inference_server.signals import batch_signal
from tests.inference_server.site import build_app, running


@pytest.fixture
async def two(store: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Serve v1, with v2 and a broken v3 beside it."""
    write_model(store, "v1", kind="constant", details={"position": 0.1})
    write_model(store, "v2", kind="constant", details={"position": 0.2})
    broken = write_model(store, "v3", kind="constant", details={"position": 0.3})
    (broken / "card.json").write_bytes(b"{}")
    async with running(build_app(store)) as client:
        yield client


async def position(site: httpx.AsyncClient) -> tuple[str, float]:
    reply = await site.post("/predict/batch", json={"signals": [batch_signal()]})
    answer = reply.json()
    return answer["model_version"], answer["predictions"][0]["position_pct"]


async def reload(site: httpx.AsyncClient, **wish: object) -> httpx.Response:
    return await site.post("/model/reload", json=wish)


async def test_the_card_is_shown_with_since_when_and_what_was_before(
    two: httpx.AsyncClient,
) -> None:
    card = (await two.get("/model")).json()
    assert (card["version"], card["kind"], card["previous_version"]) == ("v1", "constant", None)
    assert card["alpha"] == {"long_flat": 0.0, "long_short": 0.0}
    assert card["details"] == {"position": 0.1}
    assert card["created"] == "2026-11-20"
    assert card["loaded_at"].endswith("+00:00")
    assert card["loaded_sec"] >= 0.0


async def test_a_reload_answers_old_and_new_and_the_new_one_serves(two: httpx.AsyncClient) -> None:
    reply = await reload(two, version="v2")
    assert reply.json() == {"old_version": "v1", "new_version": "v2", "rolled_back": False}
    assert await position(two) == ("v2", 0.2)
    assert (await two.get("/model")).json()["previous_version"] == "v1"
    metrics = (await two.get("/metrics")).text
    assert 'himari_inference_model_info{kind="constant",version="v2"} 1.0' in metrics
    assert 'version="v1"' not in metrics
    assert 'himari_inference_reloads_total{result="switched"} 1.0' in metrics


async def test_a_rollback_goes_back_to_what_is_in_memory(
    two: httpx.AsyncClient, store: Path
) -> None:
    await reload(two, version="v2")
    (store / "v1" / "card.json").unlink()
    reply = await reload(two, rollback=True)
    assert reply.json() == {"old_version": "v2", "new_version": "v1", "rolled_back": True}
    assert await position(two) == ("v1", 0.1)


async def test_without_a_body_the_current_file_decides(two: httpx.AsyncClient, store: Path) -> None:
    (store / "current").write_text("v2\n")
    assert (await two.post("/model/reload")).json()["new_version"] == "v2"


@pytest.mark.parametrize(
    ("version", "said"),
    [("v3", "v3/card.json is not the published file"), ("v9", "v9 is not a folder of the store")],
)
async def test_a_refused_model_is_422_and_the_old_one_goes_on(
    two: httpx.AsyncClient, version: str, said: str
) -> None:
    reply = await reload(two, version=version)
    assert reply.status_code == 422
    assert said in reply.json()["detail"]
    assert await position(two) == ("v1", 0.1)
    metrics = (await two.get("/metrics")).text
    assert 'himari_inference_reloads_total{result="refused"} 1.0' in metrics


async def test_a_rollback_to_nothing_is_409(two: httpx.AsyncClient) -> None:
    reply = await reload(two, rollback=True)
    assert reply.status_code == 409
    assert reply.json()["title"] == "No previous model"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"version": "../v1"}, "version"),
        ({"version": 2}, "version"),
        ({"versoin": "v2"}, "versoin"),
        ({"rollback": "yes"}, "rollback"),
        ({"version": "v2", "rollback": True}, ""),
        ([], ""),
    ],
)
async def test_a_wish_that_is_none_is_422_and_changes_nothing(
    two: httpx.AsyncClient, body: object, path: str
) -> None:
    reply = await two.post("/model/reload", content=json.dumps(body))
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["path"] == path
    assert await position(two) == ("v1", 0.1)


async def test_a_reload_takes_json_alone(two: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/msgpack"}
    reply = await two.post("/model/reload", content=b"\x80", headers=headers)
    assert reply.status_code == 415


async def test_requests_during_reloads_are_each_of_one_version(two: httpx.AsyncClient) -> None:
    answers: asyncio.Queue[tuple[str, set[float]]] = asyncio.Queue()
    over = asyncio.Event()
    seen: list[tuple[str, set[float]]] = []

    async def ask() -> None:
        while not over.is_set():
            rows = [batch_signal() for _ in range(40)]
            reply = await two.post("/predict/batch", json={"signals": rows})
            answer = reply.json()
            positions = {row["position_pct"] for row in answer["predictions"]}
            await answers.put((answer["model_version"], positions))

    async def switch() -> None:
        for version in ("v2", "v3", "v1", "v2", "v3", "v1"):
            await reload(two, version=version)
            # what was asked before the switch, and for certain something asked after it
            seen.extend([await answers.get() for _ in range(6 + answers.qsize())])
        over.set()

    await asyncio.gather(ask(), ask(), switch())
    assert {version for version, _ in seen} == {"v1", "v2"}
    assert all(positions == {{"v1": 0.1, "v2": 0.2}[version]} for version, positions in seen)
