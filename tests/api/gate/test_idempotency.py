"""Idempotency-Key: one decision, the same bytes, nothing kept of errors."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from app.core.errors import JournalUnavailable
from app.core.types import TradingState
from tests.api.conftest import Site, build_site


async def post(
    site: Site, body: Any, key: str | None = "k1", query: str = "", token: str | None = None
) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    headers |= {} if token is None else {"Authorization": f"Bearer {token}"}
    return await site.client.post(f"/allocate{query}", content=json.dumps(body), headers=headers)


def decided(site: Site) -> int:
    return sum(name == "allocate" for name, *_ in site.service.calls)


async def test_the_same_key_and_body_get_the_stored_bytes(
    site: Site, valid: dict[str, Any]
) -> None:
    first, second = await post(site, valid), await post(site, valid)
    assert first.content == second.content
    assert "idempotent-replay" not in first.headers
    assert second.headers["idempotent-replay"] == "true"
    assert decided(site) == 1
    assert site.events.counted == ["idempotent_replays"]


async def test_a_replay_says_the_trading_state_in_effect_now(
    site: Site, valid: dict[str, Any]
) -> None:
    first = await post(site, valid)
    site.service.operating.state = TradingState.HALTED
    second = await post(site, valid)
    assert "himari-trading-state" not in first.headers
    assert (second.content, second.headers["himari-trading-state"]) == (first.content, "HALTED")


async def test_an_answer_is_pending_until_it_was_sent(site: Site, valid: dict[str, Any]) -> None:
    sending = asyncio.Event()
    go_on = asyncio.Event()
    app = site.app

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        async def held(message: Message) -> None:
            sending.set()
            await go_on.wait()
            await send(message)

        await app(scope, receive, held)

    for key in (None, "k1"):
        sending.clear()
        go_on.clear()
        client = httpx.AsyncClient(transport=httpx.ASGITransport(slow), base_url="http://himari")
        headers = {"content-type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        answer = asyncio.create_task(client.post("/allocate", json=valid, headers=headers))
        await sending.wait()
        assert len(site.service.handover.pending()) == 1
        go_on.set()
        assert (await answer).status_code == 200
        assert site.service.handover.pending() == frozenset()


async def test_a_decision_whose_caller_went_away_is_not_pending(
    site: Site, valid: dict[str, Any]
) -> None:
    site.service.hold.clear()
    first = asyncio.create_task(post(site, valid))
    await site.service.entered.acquire()
    first.cancel()
    await asyncio.wait([first])
    site.service.hold.set()
    assert (await post(site, valid)).json()["decision_id"] == "d1"
    assert site.service.handover.pending() == frozenset()


async def test_another_body_under_the_key_is_409(site: Site, valid: dict[str, Any]) -> None:
    await post(site, valid)
    answer = await post(site, valid | {"portfolio_value": 5})
    assert (answer.status_code, len(site.service.calls)) == (409, 1)
    assert answer.json()["type"] == "urn:himari:problem:idempotency-conflict"


async def test_fifty_concurrent_uses_give_one_decision(site: Site, valid: dict[str, Any]) -> None:
    site.service.hold.clear()
    uses = [asyncio.create_task(post(site, valid)) for _ in range(50)]
    await site.service.entered.acquire()
    site.service.hold.set()
    answers = await asyncio.gather(*uses)
    assert {answer.content for answer in answers} == {answers[0].content}
    assert decided(site) == 1
    assert sum("idempotent-replay" in answer.headers for answer in answers) == 49


async def test_another_body_while_the_first_is_in_flight_is_409(
    site: Site, valid: dict[str, Any]
) -> None:
    site.service.hold.clear()
    first = asyncio.create_task(post(site, valid))
    await site.service.entered.acquire()
    assert (await post(site, valid | {"portfolio_value": 5})).status_code == 409
    site.service.hold.set()
    assert (await first).status_code == 200


async def test_a_caller_who_goes_away_does_not_undo_the_decision(
    site: Site, valid: dict[str, Any]
) -> None:
    site.service.hold.clear()
    first = asyncio.create_task(post(site, valid))
    await site.service.entered.acquire()
    first.cancel()
    second = asyncio.create_task(post(site, valid))
    await asyncio.wait([first])
    site.service.hold.set()
    assert (await second).json()["decision_id"] == "d1"
    assert decided(site) == 1


async def test_an_error_is_not_kept(site: Site, valid: dict[str, Any]) -> None:
    site.service.error = JournalUnavailable("disk full")
    assert (await post(site, valid)).status_code == 503
    site.service.error = None
    answer = await post(site, valid)
    assert (answer.status_code, "idempotent-replay" in answer.headers) == (200, False)


async def test_a_refused_body_does_not_use_up_the_key(site: Site, valid: dict[str, Any]) -> None:
    assert (await post(site, valid | {"typo": 1})).status_code == 422
    assert (await post(site, valid)).status_code == 200


async def test_a_dry_run_neither_stores_nor_replays(site: Site, valid: dict[str, Any]) -> None:
    await post(site, valid, query="?dry_run=true")
    assert site.service.stored == {}
    await post(site, valid)
    answer = await post(site, valid, query="?dry_run=true")
    assert answer.json()["dry_run"] is True
    assert "idempotent-replay" not in answer.headers


async def test_without_a_key_each_request_decides(site: Site, valid: dict[str, Any]) -> None:
    answers = [await post(site, valid, key=None) for _ in range(2)]
    assert answers[0].content != answers[1].content


async def test_keys_belong_to_the_api_key(valid: dict[str, Any]) -> None:
    site = build_site(api_keys="alpha,beta")
    await post(site, valid, token="alpha")
    answer = await post(site, valid | {"portfolio_value": 5}, token="beta")
    assert (answer.status_code, len(site.service.calls)) == (200, 2)
    assert len({owner for owner, _ in site.service.stored}) == 2


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\xe9"])
async def test_an_unusable_key_is_422(site: Site, valid: dict[str, Any], key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode("latin-1"))]
    answer = await site.client.post("/allocate", json=valid, headers=headers)
    assert (answer.status_code, site.service.calls) == (422, [])
    assert answer.json()["errors"][0]["path"] == "header.Idempotency-Key"


async def test_two_keys_at_once_are_422(site: Site, valid: dict[str, Any]) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await site.client.post("/allocate", json=valid, headers=headers)
    assert answer.status_code == 422


@pytest.mark.parametrize("key", ["!", "~" * 255, '"quoted"'])
async def test_visible_ascii_is_a_key(site: Site, valid: dict[str, Any], key: str) -> None:
    assert (await post(site, valid, key=key)).status_code == 200
