"""A real service behind a connection that breaks: what is sent twice is decided or counted once."""

from collections.abc import Iterator

import pytest

from app.client import AllocateRequest, HimariClient, NoAnswer, Outcome
from tests.client.asking import QUICK, Ask, ask
from tests.client.keys import KEY
from tests.served_himari import Served
from tests.tools.chaos.proxy import FaultProxy
from tests.tools.chaos.toxics import Stream, Toxic, reset_after

__all__ = ["ask"]

FREE: Outcome = {"symbol": "A", "realized_return": 0.01, "used_rl": True}


def at_first(toxic: Toxic, times: int = 1) -> Toxic:
    """Apply a toxic to the first connections, and nothing to those after."""
    left = iter(range(times))

    def applied(stream: Stream) -> Stream:
        return toxic(stream) if next(left, None) is not None else stream

    return applied


@pytest.fixture
def beside(service: Served) -> Iterator[HimariClient]:
    with HimariClient(service.url, KEY) as client:
        yield client


def port_of(service: Served) -> int:
    return int(service.url.rpartition(":")[2])


def keyed() -> dict[str, str]:
    return {"Authorization": f"Bearer {KEY}"}


async def test_an_answer_that_was_reset_in_mid_body_is_asked_for_again_and_decided_once(
    service: Served, beside: HimariClient, batch: AllocateRequest, ask: Ask
) -> None:
    before = beside.get_state()["total_decisions"]
    options = type(QUICK)(first_wait_sec=0.001, headers=keyed())
    # more than the head of the answer, less than all of it
    async with FaultProxy(port_of(service), replies=[at_first(reset_after(900), 2)]) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        answer = await ask(url, "allocate", batch, options=options)
        assert proxy.connections == 3
    assert beside.get_state()["total_decisions"] == before + 1
    newest = beside.list_decisions(limit=1)["decisions"][0]
    assert newest["decision_id"] == answer["decision_id"]


async def test_a_batch_that_was_given_up_is_finished_with_the_key_of_its_error(
    service: Served, beside: HimariClient, batch: AllocateRequest, ask: Ask
) -> None:
    before = beside.get_state()["total_decisions"]
    options = type(QUICK)(attempts=1, headers=keyed())
    async with FaultProxy(port_of(service), replies=[reset_after(900)]) as proxy:
        with pytest.raises(NoAnswer) as given_up:
            await ask(f"http://127.0.0.1:{proxy.port}", "allocate", batch, options=options)
    answer = beside.allocate(batch, idempotency_key=given_up.value.idempotency_key)
    assert beside.get_state()["total_decisions"] == before + 1
    assert beside.get_decision(answer["decision_id"])["answer"] == answer


async def test_free_outcomes_whose_answer_was_lost_are_sent_again_and_counted_once(
    service: Served, beside: HimariClient, ask: Ask
) -> None:
    before = beside.get_performance()["rl"]["trades"]
    options = type(QUICK)(first_wait_sec=0.001, headers=keyed())
    # within the head of the answer: they were counted by then
    async with FaultProxy(port_of(service), replies=[at_first(reset_after(20), 2)]) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        answer = await ask(url, "record_outcomes", [FREE], options=options)
        assert proxy.connections == 3
    assert (answer["accepted"], answer["duplicates"]) == (1, 0)
    assert beside.get_performance()["rl"]["trades"] == before + 1
    # the same outcome in a call of its own is another one
    await ask(service.url, "record_outcomes", [FREE], options=options)
    assert beside.get_performance()["rl"]["trades"] == before + 2


async def test_free_outcomes_that_were_given_up_are_finished_with_the_key_of_their_error(
    service: Served, beside: HimariClient, ask: Ask
) -> None:
    before = beside.get_performance()["rl"]["trades"]
    options = type(QUICK)(attempts=1, headers=keyed())
    async with FaultProxy(port_of(service), replies=[reset_after(20)]) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        with pytest.raises(NoAnswer) as given_up:
            await ask(url, "record_outcomes", [FREE], options=options)
    key = given_up.value.idempotency_key
    assert beside.record_outcomes([FREE], idempotency_key=key)["accepted"] == 1
    assert beside.get_performance()["rl"]["trades"] == before + 1
