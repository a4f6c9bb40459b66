"""Which requests are admitted, wait for a turn or are refused; a burst is no overload."""

import asyncio
from typing import Any

import orjson
import pytest

from app.api.gate.admission import (
    LONGEST_OVERLOAD_SEC,
    MAX_WAITING,
    OVERLOAD_REFUSALS,
    OVERLOAD_TURN_SEC,
    RECOVERY_SEC,
    RESERVED_SLOTS,
    Admission,
    Slot,
    is_operator_request,
)
from app.api.gate.early_refusal import early_refusal
from edge.problems import Overloaded
from tests.api.site import Site


class Clock:
    """Seconds that pass when set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class House:
    """An admission with its clock, and the requests that were sent into it."""

    def __init__(self, limit: int = 512) -> None:
        self.clock = Clock()
        self.admission = Admission(limit, self.clock)
        self.served: list[int] = []
        self.refused: list[int] = []

    def send(self, number: int) -> asyncio.Task[None]:
        return asyncio.create_task(self._ask(number))

    async def _ask(self, number: int) -> None:
        try:
            slot = self.admission.admit(needs_turn=True)
        except Overloaded:
            self.refused.append(number)
            return
        try:
            await slot.wait_for_turn()
            await asyncio.sleep(0)
            self.served.append(number)
        except Overloaded:
            self.refused.append(number)
        finally:
            slot.release()

    async def overload(self) -> None:
        count = 1 + MAX_WAITING + OVERLOAD_REFUSALS
        await asyncio.gather(*(self.send(number) for number in range(count)))
        assert self.admission.overloaded


async def test_a_burst_of_128_is_served_whole_and_in_order() -> None:
    house = House()
    await asyncio.gather(*(house.send(number) for number in range(MAX_WAITING)))
    assert house.served == list(range(MAX_WAITING))
    assert (house.admission.in_flight, house.admission.waiting, house.admission.refused) == (
        0,
        0,
        0,
    )


async def test_beyond_128_that_wait_the_newest_are_refused() -> None:
    house = House()
    await asyncio.gather(*(house.send(number) for number in range(MAX_WAITING + 3)))
    assert house.refused == [MAX_WAITING + 1, MAX_WAITING + 2]
    assert house.served == list(range(MAX_WAITING + 1))


async def test_an_overload_refuses_those_who_wait() -> None:
    house = House()
    await house.overload()
    assert house.served == [0]
    assert len(house.refused) == MAX_WAITING + OVERLOAD_REFUSALS
    assert (house.admission.in_flight, house.admission.waiting) == (0, 0)


async def test_in_an_overload_a_request_is_admitted_only_when_the_turn_is_free() -> None:
    house = House()
    await house.overload()
    first = house.admission.admit(needs_turn=True)
    await first.wait_for_turn()
    with pytest.raises(Overloaded):
        house.admission.admit(needs_turn=True)
    first.release()
    await house.admission.admit(needs_turn=True).wait_for_turn()


async def test_in_an_overload_a_request_that_waits_for_the_policy_gives_up_its_turn() -> None:
    house = House()
    await house.overload()
    await house.admission.admit(needs_turn=True).wait_for_turn()
    async with asyncio.timeout(10.0):
        while True:
            try:
                await house.admission.admit(needs_turn=True).wait_for_turn()
            except Overloaded:
                await asyncio.sleep(OVERLOAD_TURN_SEC / 4)
            else:
                return


async def test_an_overload_ends_when_nothing_was_refused_for_a_second() -> None:
    house = House()
    await house.overload()
    house.clock.now += 1.01 * RECOVERY_SEC
    house.served.clear()
    await asyncio.gather(*(house.send(number) for number in range(50)))
    assert house.served == list(range(50))


async def test_callers_who_overlap_now_and_then_do_not_keep_up_an_overload() -> None:
    house = House()
    await house.overload()
    house.served.clear()
    for _ in range(3):
        house.clock.now += 0.9 * RECOVERY_SEC
        await asyncio.gather(house.send(1), house.send(2))
    # the first pair is within the first second; from then on both are served
    assert len(house.served) == 1 + 2 + 2
    await asyncio.gather(*(house.send(number) for number in range(MAX_WAITING)))
    assert len(house.served) == 1 + 2 + 2 + MAX_WAITING


async def test_an_overload_that_goes_on_is_judged_anew_after_a_minute() -> None:
    house = House()
    await house.overload()
    for _ in range(60):
        house.clock.now += 0.95 * RECOVERY_SEC
        await asyncio.gather(*(house.send(number) for number in range(MAX_WAITING + 2)))
        assert house.admission.overloaded
    house.clock.now += LONGEST_OVERLOAD_SEC
    house.served.clear()
    await asyncio.gather(*(house.send(number) for number in range(MAX_WAITING)))
    assert len(house.served) == MAX_WAITING


async def test_operators_have_reserved_slots_above_the_limit() -> None:
    admission = Admission(2, Clock())
    for _ in range(2):
        admission.admit(needs_turn=False)
    for method, path in (("GET", "/state"), ("POST", "/console/login"), ("POST", "/allocate")):
        with pytest.raises(Overloaded):
            admission.admit(needs_turn=False, reserved=is_operator_request(method, path))
    for method, path in (("PUT", "/trading-state"), ("POST", "/circuit/reset")):
        admission.admit(needs_turn=False, reserved=is_operator_request(method, path)).release()
    for _ in range(RESERVED_SLOTS):
        admission.admit(needs_turn=False, reserved=True)
    with pytest.raises(Overloaded):
        admission.admit(needs_turn=False, reserved=True)


async def test_in_an_overload_requests_that_need_no_turn_are_admitted() -> None:
    house = House()
    await house.overload()
    await house.admission.admit(needs_turn=True).wait_for_turn()
    house.admission.admit(needs_turn=False)


async def test_a_caller_who_leaves_while_waiting_leaves_nothing_behind() -> None:
    house = House()
    asking = [house.send(number) for number in range(3)]
    await asyncio.sleep(0)
    asking[1].cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    assert house.served == [0, 2]
    assert (house.admission.in_flight, house.admission.waiting) == (0, 0)


async def test_what_is_under_way_goes_before_what_has_not_begun() -> None:
    admission, seen = Admission(512, Clock()), []

    async def work(name: str) -> None:
        slot: Slot = admission.admit(needs_turn=True)
        await slot.wait_for_turn()
        seen.append(f"{name} begins")
        await asyncio.sleep(0)
        seen.append(f"{name} goes on")
        slot.release()

    await asyncio.gather(work("first"), work("second"))
    assert seen == ["first begins", "first goes on", "second begins", "second goes on"]


async def test_the_head_of_a_request_is_enough_to_refuse_it() -> None:
    house = House()
    refusal = early_refusal(house.admission)
    await house.overload()
    await house.admission.admit(needs_turn=True).wait_for_turn()
    answer = refusal("POST", "/allocate", [(b"x-request-id", b"mine")])
    assert answer is not None
    head, _, body = answer.partition(b"\r\n\r\n")
    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    assert head.startswith(b"HTTP/1.1 503 ")
    assert (fields[b"retry-after"], fields[b"x-request-id"]) == (b"1", b"mine")
    assert int(fields[b"content-length"]) == len(body)
    assert orjson.loads(body)["type"] == "urn:himari:problem:overloaded"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/health/ready"), ("GET", "/state"), ("PUT", "/trading-state"),
     ("PUT", "/circuit"), ("POST", "/circuit/reset")],
)  # fmt: skip
async def test_operators_get_through_an_overload(method: str, path: str) -> None:
    house = House()
    await house.overload()
    await house.admission.admit(needs_turn=True).wait_for_turn()
    assert early_refusal(house.admission)(method, path, []) is None


async def test_of_heads_that_come_at_once_as_many_pass_as_there_are_slots() -> None:
    house = House()
    refusal = early_refusal(house.admission)
    await house.overload()
    answers = [refusal("POST", "/allocate", []) for _ in range(5)]
    assert [answer is None for answer in answers] == [True, False, False, False, False]


async def test_a_refusal_at_the_head_has_the_headers_of_every_answer(
    site: Site, valid: dict[str, Any]
) -> None:
    house = House(limit=0)
    answer = early_refusal(house.admission)("POST", "/allocate", [])
    assert answer is not None
    names = {line.partition(b":")[0].decode() for line in answer.split(b"\r\n")[1:]}
    served = await site.client.post("/allocate", json=valid | {"signals": 1})
    assert set(served.headers) <= names
