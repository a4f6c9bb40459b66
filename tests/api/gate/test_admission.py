"""Who is let in, who waits for a turn, who is sent away; a burst is no crowd."""

import asyncio
from typing import Any

import orjson
import pytest

from app.api.gate.admission import (
    CALM_SEC,
    CROWD_PATIENCE_SEC,
    CROWD_REFUSALS,
    LONGEST_CROWD_SEC,
    MOST_WAITING,
    RESERVED,
    Admitted,
    Place,
    is_operating,
)
from app.api.gate.early_refusal import turn_away
from edge.problems import Overloaded
from tests.api.conftest import Site


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class House:
    """An admission with its clock, and the requests that were sent into it."""

    def __init__(self, limit: int = 512) -> None:
        self.clock = Clock()
        self.admitted = Admitted(limit, self.clock)
        self.served: list[int] = []
        self.sent_away: list[int] = []

    def send(self, number: int) -> asyncio.Task[None]:
        return asyncio.create_task(self._ask(number))

    async def _ask(self, number: int) -> None:
        try:
            place = self.admitted.enter(to_work=True)
        except Overloaded:
            self.sent_away.append(number)
            return
        try:
            await place.turn()
            await asyncio.sleep(0)
            self.served.append(number)
        except Overloaded:
            self.sent_away.append(number)
        finally:
            place.leave()

    async def crowd(self) -> None:
        count = 1 + MOST_WAITING + CROWD_REFUSALS
        await asyncio.gather(*(self.send(number) for number in range(count)))
        assert self.admitted.crowded


async def test_a_burst_of_128_is_served_whole_and_in_order() -> None:
    house = House()
    await asyncio.gather(*(house.send(number) for number in range(MOST_WAITING)))
    assert house.served == list(range(MOST_WAITING))
    assert (house.admitted.in_flight, house.admitted.waiting, house.admitted.refused) == (0, 0, 0)


async def test_beyond_128_that_wait_the_newest_are_refused() -> None:
    house = House()
    await asyncio.gather(*(house.send(number) for number in range(MOST_WAITING + 3)))
    assert house.sent_away == [MOST_WAITING + 1, MOST_WAITING + 2]
    assert house.served == list(range(MOST_WAITING + 1))


async def test_a_crowd_sends_those_away_who_wait() -> None:
    house = House()
    await house.crowd()
    assert house.served == [0]
    assert len(house.sent_away) == MOST_WAITING + CROWD_REFUSALS
    assert (house.admitted.in_flight, house.admitted.waiting) == (0, 0)


async def test_in_a_crowd_only_who_finds_the_turn_free_is_let_in() -> None:
    house = House()
    await house.crowd()
    first = house.admitted.enter(to_work=True)
    await first.turn()
    with pytest.raises(Overloaded):
        house.admitted.enter(to_work=True)
    first.leave()
    await house.admitted.enter(to_work=True).turn()


async def test_in_a_crowd_a_request_that_waits_for_the_policy_lends_its_turn() -> None:
    house = House()
    await house.crowd()
    await house.admitted.enter(to_work=True).turn()
    async with asyncio.timeout(10.0):
        while True:
            try:
                await house.admitted.enter(to_work=True).turn()
            except Overloaded:
                await asyncio.sleep(CROWD_PATIENCE_SEC / 4)
            else:
                return


async def test_the_crowd_is_over_when_nobody_was_refused_for_a_while() -> None:
    house = House()
    await house.crowd()
    house.clock.now += 1.01 * CALM_SEC
    house.served.clear()
    await asyncio.gather(*(house.send(number) for number in range(50)))
    assert house.served == list(range(50))


async def test_callers_who_overlap_now_and_then_do_not_keep_up_a_crowd() -> None:
    house = House()
    await house.crowd()
    house.served.clear()
    for _ in range(3):
        house.clock.now += 0.9 * CALM_SEC
        await asyncio.gather(house.send(1), house.send(2))
    # the first pair is within the first second; from then on both are served
    assert len(house.served) == 1 + 2 + 2
    await asyncio.gather(*(house.send(number) for number in range(MOST_WAITING)))
    assert len(house.served) == 1 + 2 + 2 + MOST_WAITING


async def test_a_crowd_that_goes_on_coming_is_looked_at_anew_after_a_minute() -> None:
    house = House()
    await house.crowd()
    for _ in range(60):
        house.clock.now += 0.95 * CALM_SEC
        await asyncio.gather(*(house.send(number) for number in range(MOST_WAITING + 2)))
        assert house.admitted.crowded
    house.clock.now += LONGEST_CROWD_SEC
    house.served.clear()
    await asyncio.gather(*(house.send(number) for number in range(MOST_WAITING)))
    assert len(house.served) == MOST_WAITING


async def test_operators_find_a_place_above_the_limit() -> None:
    admitted = Admitted(2, Clock())
    for _ in range(2):
        admitted.enter(to_work=False)
    for method, path in (("GET", "/state"), ("POST", "/console/login"), ("POST", "/allocate")):
        with pytest.raises(Overloaded):
            admitted.enter(to_work=False, reserved=is_operating(method, path))
    for method, path in (("PUT", "/trading-state"), ("POST", "/circuit/reset")):
        admitted.enter(to_work=False, reserved=is_operating(method, path)).leave()
    for _ in range(RESERVED):
        admitted.enter(to_work=False, reserved=True)
    with pytest.raises(Overloaded):
        admitted.enter(to_work=False, reserved=True)


async def test_in_a_crowd_whoever_has_no_work_comes_in() -> None:
    house = House()
    await house.crowd()
    await house.admitted.enter(to_work=True).turn()
    house.admitted.enter(to_work=False)


async def test_a_caller_who_leaves_while_waiting_leaves_nothing_behind() -> None:
    house = House()
    asking = [house.send(number) for number in range(3)]
    await asyncio.sleep(0)
    asking[1].cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    assert house.served == [0, 2]
    assert (house.admitted.in_flight, house.admitted.waiting) == (0, 0)


async def test_what_is_under_way_goes_before_what_has_not_begun() -> None:
    admitted, seen = Admitted(512, Clock()), []

    async def work(name: str) -> None:
        place: Place = admitted.enter(to_work=True)
        await place.turn()
        seen.append(f"{name} begins")
        await asyncio.sleep(0)
        seen.append(f"{name} goes on")
        place.leave()

    await asyncio.gather(work("first"), work("second"))
    assert seen == ["first begins", "first goes on", "second begins", "second goes on"]


async def test_the_head_of_a_request_is_enough_to_refuse_it() -> None:
    house = House()
    refusal = turn_away(house.admitted)
    await house.crowd()
    await house.admitted.enter(to_work=True).turn()
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
async def test_operators_get_through_a_crowd(method: str, path: str) -> None:
    house = House()
    await house.crowd()
    await house.admitted.enter(to_work=True).turn()
    assert turn_away(house.admitted)(method, path, []) is None


async def test_of_heads_that_come_at_once_as_many_pass_as_there_are_places() -> None:
    house = House()
    refusal = turn_away(house.admitted)
    await house.crowd()
    answers = [refusal("POST", "/allocate", []) for _ in range(5)]
    assert [answer is None for answer in answers] == [True, False, False, False, False]


async def test_a_refusal_at_the_head_has_the_headers_of_every_answer(
    site: Site, valid: dict[str, Any]
) -> None:
    house = House(limit=0)
    answer = turn_away(house.admitted)("POST", "/allocate", [])
    assert answer is not None
    names = {line.partition(b":")[0].decode() for line in answer.split(b"\r\n")[1:]}
    served = await site.client.post("/allocate", json=valid | {"signals": 1})
    assert set(served.headers) <= names
