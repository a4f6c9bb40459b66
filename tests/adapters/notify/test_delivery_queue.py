"""A delivery queue retries with pauses and gives up; no other receiver waits for it."""

import asyncio
from dataclasses import dataclass, field

import pytest
from prometheus_client import REGISTRY

from app.adapters.notify.delivery_options import DeliveryOptions
from app.adapters.notify.delivery_queue import DeliveryQueue, Message, NotDelivered
from tests.adapters.notify.hook_server import until

QUICK = DeliveryOptions(attempts=4, first_retry_sec=0.001, queue_size=3)


@dataclass
class FakeReceiver:
    """Fails as the script says, one entry an attempt, and keeps what arrived."""

    script: list[Exception] = field(default_factory=list)
    unready: NotDelivered | None = None
    name: str = "fake 1"
    channel: str = "webhook"
    tried: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    free: asyncio.Event = field(default_factory=asyncio.Event)

    async def prepare(self) -> None:
        if self.unready is not None:
            raise self.unready

    async def send(self, message: Message) -> None:
        self.tried.append(message.id)
        await self.free.wait()
        if self.script:
            raise self.script.pop(0)
        self.taken.append(message.id)


@pytest.fixture
async def receiver() -> FakeReceiver:
    fake = FakeReceiver()
    fake.free.set()
    return fake


def counted() -> dict[str, float]:
    found = {
        name: REGISTRY.get_sample_value(
            f"himari_l3_notifications_{name.lower()}_total", {"channel": "webhook"}
        )
        for name in ("SENT", "FAILED", "RETRIED", "DROPPED")
    }
    return {name: value or 0.0 for name, value in found.items()}


async def gone_through(
    receiver: FakeReceiver, *ids: str, options: DeliveryOptions = QUICK
) -> DeliveryQueue:
    queue = DeliveryQueue(receiver, options, lambda: 0.0)
    queue.start()
    for name in ids:
        queue.put(Message(name, "circuit.opened", "text", b"{}"))
    await until(lambda: not queue.state()["pending"])
    await queue.stop(5.0)
    return queue


def grown(before: dict[str, float]) -> dict[str, float]:
    return {name: value - before[name] for name, value in counted().items() if value > before[name]}


async def test_messages_arrive_once_each_and_in_order(receiver: FakeReceiver) -> None:
    before = counted()
    await gone_through(receiver, "a", "b", "c")
    assert receiver.taken == ["a", "b", "c"]
    assert grown(before) == {"SENT": 3.0}


async def test_a_failed_attempt_is_made_again_with_the_same_message(receiver: FakeReceiver) -> None:
    before = counted()
    receiver.script = [NotDelivered("status 500"), RuntimeError("https://secret")]
    queue = await gone_through(receiver, "a")
    assert (receiver.tried, receiver.taken) == (["a", "a", "a"], ["a"])
    assert grown(before) == {"SENT": 1.0, "RETRIED": 2.0}
    assert queue.state() == {"receiver": "fake 1", "pending": 0, "failure": None}


async def test_it_gives_up_after_the_last_attempt_and_goes_on(receiver: FakeReceiver) -> None:
    before = counted()
    receiver.script = [NotDelivered("status 500")] * 4
    await gone_through(receiver, "a", "b")
    assert (receiver.tried, receiver.taken) == (["a"] * 4 + ["b"], ["b"])
    assert grown(before) == {"SENT": 1.0, "FAILED": 1.0, "RETRIED": 3.0}


async def test_what_makes_no_sense_again_is_tried_once(receiver: FakeReceiver) -> None:
    before = counted()
    receiver.script = [NotDelivered("status 404", retryable=False)]
    queue = await gone_through(receiver, "a")
    assert receiver.tried == ["a"]
    assert queue.state()["failure"] == "status 404"
    assert grown(before) == {"FAILED": 1.0}


async def test_the_text_of_a_strangers_error_is_not_told(
    receiver: FakeReceiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.script = [RuntimeError("https://secret")] * 4
    queue = await gone_through(receiver, "a")
    assert queue.state()["failure"] == "unexpected RuntimeError"
    said = capsys.readouterr()
    assert "secret" not in said.out + said.err


async def test_a_full_queue_drops_its_oldest_and_counts_it(receiver: FakeReceiver) -> None:
    before = counted()
    receiver.free.clear()
    queue = DeliveryQueue(receiver, QUICK, lambda: 0.0)
    queue.start()
    for name in "abcde":
        queue.put(Message(name, "circuit.opened", "text", b"{}"))
    assert queue.state()["pending"] == 3
    receiver.free.set()
    await queue.stop(5.0)
    assert receiver.taken == ["c", "d", "e"]
    assert grown(before) == {"SENT": 3.0, "DROPPED": 2.0}


async def test_the_end_tries_each_once_more_and_waits_for_no_pause(receiver: FakeReceiver) -> None:
    before = counted()
    receiver.script = [NotDelivered("status 500")] * 2
    queue = DeliveryQueue(
        receiver, DeliveryOptions(attempts=9, first_retry_sec=3600.0), lambda: 0.0
    )
    queue.start()
    for name in "ab":
        queue.put(Message(name, "circuit.opened", "text", b"{}"))
    await until(lambda: bool(receiver.tried))
    async with asyncio.timeout(30.0):
        await queue.stop(20.0)
    assert receiver.tried == ["a", "a", "b"]
    assert receiver.taken == ["b"]
    assert grown(before) == {"SENT": 1.0, "FAILED": 1.0, "RETRIED": 1.0}


async def test_the_end_abandons_a_receiver_that_hangs(receiver: FakeReceiver) -> None:
    before = counted()
    receiver.free.clear()
    queue = DeliveryQueue(receiver, QUICK, lambda: 0.0)
    queue.start()
    queue.put(Message("a", "circuit.opened", "text", b"{}"))
    async with asyncio.timeout(30.0):
        await queue.stop(0.01)
    assert receiver.taken == []
    assert grown(before) == {"DROPPED": 1.0}


async def test_a_receiver_that_is_not_ready_is_told_of_in_the_state(
    receiver: FakeReceiver,
) -> None:
    receiver.unready = NotDelivered("apprise cannot use this odd:// URL")
    queue = DeliveryQueue(receiver, QUICK, lambda: 0.0)
    queue.start()
    await until(lambda: queue.state()["failure"] is not None)
    assert queue.state()["failure"] == "apprise cannot use this odd:// URL"
    await queue.stop(5.0)


async def test_pauses_grow_are_jittered_and_heed_the_receiver(receiver: FakeReceiver) -> None:
    asked = asyncio.get_running_loop().time
    receiver.script = [NotDelivered("status 503", retry_after_sec=0.2)]
    began = asked()
    await gone_through(receiver, "a")
    assert asked() - began >= 0.2
