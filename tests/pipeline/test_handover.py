"""A wait for pending answers ends when they were sent, and never takes longer than it may."""

import asyncio

import pytest

from app.pipeline.handover import Delivery, Handover


def pending_in(handover: Handover, count: int = 1) -> list[Delivery]:
    deliveries = [Delivery(handover) for _ in range(count)]
    for delivery in deliveries:
        delivery.committed()
    return deliveries


def test_with_nothing_pending_a_wait_needs_no_event_loop() -> None:
    handover = Handover()
    sent = pending_in(handover)
    sent[0].sent()
    waiting = handover.wait(frozenset(sent))
    with pytest.raises(StopIteration) as ended:
        waiting.send(None)
    assert ended.value.value is True


async def test_a_wait_ends_with_the_last_of_its_answers() -> None:
    handover = Handover(wait_at_most_sec=60.0)
    first, second = pending_in(handover, 2)
    waiting = asyncio.create_task(handover.wait(handover.pending()))
    await asyncio.sleep(0)
    first.sent()
    await asyncio.sleep(0)
    assert not waiting.done()
    second.sent()
    assert await waiting is True


async def test_what_is_committed_later_is_not_waited_for() -> None:
    handover = Handover(wait_at_most_sec=60.0)
    (first,) = pending_in(handover)
    waiting = asyncio.create_task(handover.wait(handover.pending()))
    await asyncio.sleep(0)
    pending_in(handover)
    first.sent()
    assert await waiting is True
    assert len(handover.pending()) == 1


async def test_a_wait_that_takes_too_long_ends_and_says_so() -> None:
    handover = Handover(wait_at_most_sec=0.01)
    pending_in(handover)
    assert await handover.wait(handover.pending()) is False


def test_an_answer_whose_request_has_ended_is_never_pending() -> None:
    handover = Handover()
    delivery = Delivery(handover)
    delivery.sent()
    delivery.committed()
    assert handover.pending() == frozenset()
