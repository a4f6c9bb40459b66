"""Webhooks against a real receiver: signed, tried again, not redirected, telling no secret."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from app.adapters.clock import SystemClock
from app.adapters.notify.delivery_options import DeliveryOptions
from app.adapters.notify.delivery_queue import Message, NotDelivered
from app.adapters.notify.notifier import Notifier, build_receivers
from app.adapters.notify.webhook import WebhookReceiver
from app.core.policy.circuit import CircuitState, Transition
from app.pipeline.notices import Thresholds
from tests.adapters.notify.hook_server import RESET, SILENCE, Hooks, hook_server, until

SECRET = "whsec_" + "c4n4ry" * 6
OPENED = Transition(CircuitState.CLOSED, CircuitState.OPEN, "timeout", 30.0)


@pytest.fixture
def hooks() -> Any:
    with hook_server() as listening:
        yield listening


def receiver(url: str, timeout_sec: float = 20.0) -> WebhookReceiver:
    return WebhookReceiver("webhook 1", url, SECRET, timeout_sec=timeout_sec, clock=SystemClock())


@asynccontextmanager
async def notifier(hooks: Hooks, **options: Any) -> AsyncIterator[Notifier]:
    receivers = build_receivers(
        [f"{hooks.url}/c4n4ry-path"], SECRET, [], timeout_sec=20.0, clock=SystemClock()
    )
    chosen = DeliveryOptions(**{"attempts": 4, "first_retry_sec": 0.001, **options})
    telling = Notifier(
        receivers, Thresholds(), chosen, clock=SystemClock(), source={"mode": "real"}
    )
    telling.start(lambda: None)
    try:
        yield telling
    finally:
        await telling.stop()


def verified(body: bytes, headers: dict[str, str]) -> Any:
    return Webhook(SECRET).verify(body, headers)


async def test_a_notice_arrives_signed_and_says_what_happened(hooks: Hooks) -> None:
    async with notifier(hooks) as telling:
        telling.circuit_moved(OPENED)
        (got,) = await asyncio.to_thread(hooks.wait_for, 1)
    content = verified(got.body, got.headers)
    assert content["type"] == "circuit.opened"
    assert content["data"]["reason"] == "timeout"
    assert content["data"]["mode"] == "real"
    assert got.path == "/c4n4ry-path"
    with pytest.raises(WebhookVerificationError):
        verified(got.body.replace(b"timeout", b"timeouT"), got.headers)


@pytest.mark.parametrize("fault", [500, 503, 429, 408, RESET])
async def test_a_fault_is_tried_again_under_the_same_id(hooks: Hooks, fault: int | str) -> None:
    hooks.script = [fault, fault]
    async with notifier(hooks) as telling:
        telling.circuit_moved(OPENED)
        got = await asyncio.to_thread(hooks.wait_for, 3)
    assert len({each.headers["webhook-id"] for each in got}) == 1
    assert len({each.body for each in got}) == 1
    for each in got:
        verified(each.body, each.headers)


@pytest.mark.parametrize("status", [302, 307, 400, 401, 404, 410, 422])
async def test_a_refusal_or_a_redirect_is_final(hooks: Hooks, status: int) -> None:
    hooks.script, hooks.headers = [status], {"Location": f"{hooks.url}/elsewhere"}
    with pytest.raises(NotDelivered, match=f"status {status}") as refused:
        await receiver(hooks.url).send(Message("msg_1", "kind", "text", b"{}"))
    assert not refused.value.retryable
    assert len(hooks.got) == 1


async def test_retry_after_is_read(hooks: Hooks) -> None:
    hooks.script, hooks.headers = [503], {"Retry-After": "7"}
    with pytest.raises(NotDelivered) as refused:
        await receiver(hooks.url).send(Message("msg_1", "kind", "text", b"{}"))
    assert refused.value.retry_after_sec == 7.0


async def test_a_silent_receiver_ends_at_the_deadline(hooks: Hooks) -> None:
    hooks.script = [SILENCE]
    async with asyncio.timeout(20.0):
        with pytest.raises(NotDelivered, match=r"no answer within 0\.2 s"):
            await receiver(hooks.url, 0.2).send(Message("msg_1", "kind", "text", b"{}"))


async def test_a_refused_connection_says_so_without_the_url() -> None:
    with hook_server() as closed:
        url = closed.url
    with pytest.raises(NotDelivered) as refused:
        await receiver(f"{url}/c4n4ry").send(Message("msg_1", "kind", "text", b"{}"))
    assert str(refused.value) == "no connection: ConnectError"


async def test_a_user_in_the_url_becomes_basic_authorization(hooks: Hooks) -> None:
    url = hooks.url.replace("://", "://me:pass@")
    await receiver(url).send(Message("msg_1", "kind", "text", b"{}"))
    assert hooks.got[0].headers["authorization"] == "Basic bWU6cGFzcw=="


async def test_it_gives_up_and_says_so_without_a_secret(
    hooks: Hooks, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    hooks.script = [500] * 4
    async with notifier(hooks) as telling:
        telling.circuit_moved(OPENED)
        await asyncio.to_thread(hooks.wait_for, 4)
        await until(lambda: not telling.state()["receivers"][0]["pending"])
        state = telling.state()
    assert state == {
        "receivers": [{"receiver": "webhook 1", "pending": 0, "failure": "status 500"}]
    }
    said = capsys.readouterr()
    # the log goes to the standard library's where an application of the process configured it
    logged = said.out + said.err + caplog.text
    assert "notice_given_up" in logged
    assert "c4n4ry" not in logged + json.dumps(state)
