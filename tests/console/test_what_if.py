"""Trying numbers out touches nothing."""

import asyncio
import json
from itertools import pairwise
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from app.console.context import trial_slots
from app.pipeline.what_if import Changes
from tests.console.feed import Desk
from tests.console.site import Site
from tests.console.tables import rows_of

NO_CHANGE = {"kelly": "25", "severity": "0", "value": ""}


def everything(site: Site) -> str:
    """All that the service believes, has counted, journalled and told, as text."""
    service = site.service
    policy = service.world.gate.client
    asked = len(getattr(policy, "asked", ()))
    return json.dumps(
        [
            service.beliefs.export(),
            service.showing.state(),
            service.showing.counts,
            len(service.showing.recent()),
            service.world.journal.lag()[0],
            site.telemetry.calls,
            asked,
        ]
    )


async def tried(site: Site, batch: dict[str, Any], **fields: str) -> str:
    form = {
        "csrf": await site.csrf("/console/what-if"),
        "batch": json.dumps(batch),
        **NO_CHANGE,
    }
    response = await site.client.post("/console/what-if", data=form | fields)
    assert response.status_code == 200, response.text
    return response.text


async def test_nothing_is_touched(open_site: Site) -> None:
    desk = Desk(3)
    for _ in range(3):
        await open_site.decide(desk.batch(open_site.clock.now_ns()))
    before = everything(open_site)
    # newer, at other prices and worth more: a decision would have taught something
    newer = Desk(5, {symbol: 2.0 * price for symbol, price in desk.prices.items()}).batch(
        open_site.clock.now_ns() + 3_600_000_000_000
    ) | {"portfolio_value": 900_000}

    page = await tried(open_site, newer, kelly="80", severity="70", value="1000000")

    assert rows_of(page, "Targets of the batch")
    assert everything(open_site) == before


async def test_unchanged_sizes_are_those_of_phase_2(open_site: Site, batch: dict[str, Any]) -> None:
    page = await tried(open_site, batch)
    answer = await open_site.decide(batch)

    shown = {row[0]: row[2] for row in rows_of(page, "Targets of the batch")}
    for symbol, usd in answer["baseline_allocations"].items():
        digits = 0 if abs(usd) >= 1000 or usd == 0 else 2
        assert shown[symbol] == f"{usd:,.{digits}f}"


async def test_no_kelly_fraction_is_no_size(open_site: Site, batch: dict[str, Any]) -> None:
    page = await tried(open_site, batch, kelly="0")

    assert {row[3] for row in rows_of(page, "Targets of the batch")} == {"0"}


async def test_the_worst_cascade_closes_everything(open_site: Site, batch: dict[str, Any]) -> None:
    page = await tried(open_site, batch, severity="100")

    assert "EXIT (1.00)" in page
    assert {row[3] for row in rows_of(page, "Targets of the batch")} == {"0"}


async def test_sizes_scale_with_the_portfolio(open_site: Site, batch: dict[str, Any]) -> None:
    desk_value = batch["portfolio_value"]
    one = await tried(open_site, batch, value=str(desk_value))
    ten = await tried(open_site, batch, value=str(10 * desk_value))

    def gross(page: str) -> float:
        cells = [row[3] for row in rows_of(page, "Targets of the batch")]
        return sum(float(cell.replace(",", "")) for cell in cells)

    assert gross(ten) == pytest.approx(10 * gross(one), rel=1e-3)


async def test_severity_makes_each_indicator_at_least_that_part_of_its_worst(
    open_site: Site, batch: dict[str, Any]
) -> None:
    given = open_site.context.read_batch
    parsed = given(
        Request({"type": "http", "app": open_site.app, "headers": []}), json.dumps(batch).encode()
    )
    worse = open_site.service.what_if(parsed, Changes(cascade_severity=0.75))["cascade"]
    calm = open_site.service.what_if(parsed, Changes())["cascade"]

    assert worse["components"] == pytest.approx(dict.fromkeys(calm["components"], 0.75))
    assert set(calm["components"].values()) == {0.0}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"batch": "no json"}, "must be valid JSON"),
        ({"batch": "{}"}, "signals"),
        ({"kelly": "130"}, "from 0 to 100"),
        ({"kelly": "nan"}, "from 0 to 100"),
        ({"value": "-5"}, "portfolio value"),
        ({"severity": "many"}, "cascade severity"),
    ],
)
async def test_what_cannot_be_tried_is_said(
    open_site: Site, batch: dict[str, Any], fields: dict[str, str], told: str
) -> None:
    form = {"csrf": await open_site.csrf("/console/what-if"), "batch": json.dumps(batch)} | fields

    plain = await open_site.client.post("/console/what-if", data=form)
    fragment = await open_site.client.post(
        "/console/what-if", data=form, headers={"hx-request": "true"}
    )

    assert plain.status_code == 422
    assert told in plain.text
    assert fragment.status_code == 200
    assert told in fragment.text


async def test_more_signals_than_are_tried_at_once_are_refused(
    open_site: Site, batch: dict[str, Any]
) -> None:
    batch["signals"] = 201 * batch["signals"][:1]
    form = {"csrf": await open_site.csrf("/console/what-if"), "batch": json.dumps(batch)}

    response = await open_site.client.post("/console/what-if", data=form)

    assert response.status_code == 413


@pytest.mark.parametrize("headers", [{}, {"hx-request": "true"}])
async def test_with_one_batch_at_work_eight_wait_and_more_are_told_to_come_again(
    open_site: Site, batch: dict[str, Any], headers: dict[str, str]
) -> None:
    form = {"csrf": await open_site.csrf("/console/what-if"), "batch": json.dumps(batch)}

    async def sent() -> httpx.Response:
        return await open_site.client.post(
            "/console/what-if", data=form | NO_CHANGE, headers=headers
        )

    async with open_site.context.trials.hold_in_turn():
        waiting = {asyncio.create_task(sent()) for _ in range(11)}
        refused: set[asyncio.Task[httpx.Response]] = set()
        while len(refused) < 3:
            done, waiting = await asyncio.wait(
                waiting, timeout=20.0, return_when=asyncio.FIRST_COMPLETED
            )
            assert done
            refused |= done
        assert len(refused) == 3
        assert (await open_site.client.get("/console")).status_code == 200
    answers = await asyncio.wait_for(asyncio.gather(*waiting), 20.0)

    for task in refused:
        assert task.result().status_code == (200 if headers else 503)
        assert task.result().headers["retry-after"] == "1"
        assert "Too many batches are being tried out." in task.result().text
        assert form["csrf"] in task.result().text
    assert len(answers) == 8
    for answer in answers:
        assert rows_of(answer.text, "Targets of the batch")
    assert open_site.context.trials.taken == 0


async def test_between_two_batches_that_are_tried_out_others_get_their_turn() -> None:
    trials, seen = trial_slots(), []

    async def trial() -> None:
        async with trials.hold_in_turn():
            seen.append("trial")

    async def other() -> None:
        while seen.count("trial") < 9:
            seen.append("other")
            await asyncio.sleep(0)

    await asyncio.wait_for(asyncio.gather(*(trial() for _ in range(9)), other()), 20.0)

    assert ("trial", "trial") not in set(pairwise(seen))


async def test_a_reader_may_try_numbers_out(keyed_site: Site, batch: dict[str, Any]) -> None:
    await keyed_site.sign_in("reader")

    assert rows_of(await tried(keyed_site, batch), "Targets of the batch")


async def test_the_form_begins_with_a_batch_that_can_be_sized(open_site: Site) -> None:
    page = (await open_site.client.get("/console/what-if")).text
    text = page.split("<textarea")[1].partition(">")[2].partition("</textarea>")[0]
    batch = json.loads(text.replace("&#34;", '"'))

    assert rows_of(await tried(open_site, batch), "Targets of the batch")


async def test_a_journalled_decision_can_be_tried_again(
    open_site: Site, batch: dict[str, Any]
) -> None:
    batch["current_positions"] = {"BTC-USD": 0.4}
    answer = await open_site.decide(batch)
    page = (await open_site.client.get(f"/console/what-if?decision={answer['decision_id']}")).text
    text = page.split("<textarea")[1].partition(">")[2].partition("</textarea>")[0]
    again = json.loads(text.replace("&#34;", '"'))

    assert again["current_positions"] == {"BTC-USD": 0.4}
    assert rows_of(await tried(open_site, again), "Targets of the batch")
