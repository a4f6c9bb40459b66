"""Apprise in its threads, telling a real receiver; what hangs is abandoned."""

import json
import subprocess
import sys
import threading
from typing import Any

import pytest

from app.adapters.notify.apprise import AppriseReceiver
from app.adapters.notify.delivery_queue import Message, NotDelivered
from tests.adapters.notify.hook_server import SILENCE, Hooks, hook_server, until

# apprise looks for a module that Python 3.13 has not
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

HALTED = Message("msg_1", "trading_state.changed", "Trading is HALTED.", b"{}")


@pytest.fixture
def hooks() -> Any:
    with hook_server() as listening:
        yield listening


def receiver(hooks: Hooks, timeout_sec: float = 30.0) -> AppriseReceiver:
    place = hooks.url.removeprefix("http://")
    return AppriseReceiver("apprise 1", f"json://{place}/c4n4ry", timeout_sec=timeout_sec)


async def test_a_notice_arrives_as_apprise_sends_it(hooks: Hooks) -> None:
    chat = receiver(hooks)
    await chat.prepare()
    await chat.send(HALTED)
    (got,) = hooks.got
    content = json.loads(got.body)
    assert content["title"] == "HIMARI trading_state.changed"
    assert (content["message"], content["type"]) == ("Trading is HALTED.", "warning")


async def test_a_receiver_that_refuses_is_tried_again_later(hooks: Hooks) -> None:
    hooks.script = [500]
    chat = receiver(hooks)
    with pytest.raises(NotDelivered, match="could not deliver") as refused:
        await chat.send(HALTED)
    assert refused.value.retryable
    await chat.send(HALTED)
    assert len(hooks.got) == 2


async def test_what_hangs_is_abandoned_and_not_joined_by_a_second_one(hooks: Hooks) -> None:
    hooks.script = [SILENCE]
    chat = receiver(hooks, timeout_sec=0.2)
    await chat.prepare()
    with pytest.raises(NotDelivered, match=r"did not end within 0\.2 s"):
        await chat.send(HALTED)
    with pytest.raises(NotDelivered, match="still hangs"):
        await chat.send(HALTED)
    assert len([each for each in threading.enumerate() if each.name == "notify apprise 1"]) == 1
    hooks.released.set()
    await until(lambda: all(each.name != "notify apprise 1" for each in threading.enumerate()))


async def test_a_url_that_apprise_does_not_know_is_said_without_the_url() -> None:
    unknown = AppriseReceiver("apprise 1", "nobody://c4n4ry", timeout_sec=1.0)
    with pytest.raises(NotDelivered) as refused:
        await unknown.prepare()
    assert str(refused.value) == "apprise cannot use this nobody:// URL"
    assert not refused.value.retryable


def test_nothing_of_it_is_imported_until_there_is_somebody_to_tell() -> None:
    heavy = ("apprise", "watchfiles", "opentelemetry.sdk", "requests")
    code = f"import app.main, sys; print([name for name in {heavy!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
