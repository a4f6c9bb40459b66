"""The page of the standing signals."""

import html
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.console.site import Site, running_site
from tests.console.tables import rows_of


@pytest.fixture
async def standing_site(tmp_path: Path) -> AsyncIterator[Site]:
    """Run a keyed console on a service that keeps signals in force."""
    async with running_site(tmp_path, keyed=True, signals={"standing": True}) as site:
        await site.sign_in("risk")
        yield site


async def test_off_the_page_says_how_signals_would_stand(open_site: Site) -> None:
    page = (await open_site.client.get("/console/signals")).text
    assert "<code>SIGNALS__STANDING</code>" in page
    assert "<table>" not in page


async def test_signals_in_force_are_shown_with_what_they_say_and_until_when(
    standing_site: Site, batch: dict[str, Any]
) -> None:
    assert "No signal is in force." in (await standing_site.client.get("/console/signals")).text
    await standing_site.decide(batch)

    page = (await standing_site.client.get("/console/signals")).text

    rows = rows_of(page, "Signals in force, by symbol and strategy")
    told = [one for one in batch["signals"] if one["action"] != "HOLD"]
    assert sorted((row[0], row[1]) for row in rows) == sorted(
        (one["symbol"], one["strategy_id"]) for one in told
    )
    assert {row[8] for row in rows} == {"allocate"}
    assert all(row[6] and row[7] and row[6] != row[7] for row in rows)


async def test_a_signal_is_ended_by_the_form_that_its_row_leads_to(
    standing_site: Site, batch: dict[str, Any]
) -> None:
    await standing_site.decide(batch)
    one = next(one for one in batch["signals"] if one["action"] != "HOLD")
    fields = {"strategy_id": one["strategy_id"], "symbol": one["symbol"]}
    form = {"csrf": await standing_site.csrf(), "reason": "broken feed", **fields}

    ended = await standing_site.client.post("/console/correct/end-signals", data=form)
    again = await standing_site.client.post("/console/correct/end-signals", data=form)

    assert ended.headers["location"] == "/console/operate?done=end-signals"
    assert again.status_code == 422
    assert "no signal of that strategy and symbol is in force" in again.text
    page = (await standing_site.client.get("/console/signals")).text
    rows = rows_of(page, "Signals in force, by symbol and strategy")
    assert (one["symbol"], one["strategy_id"]) not in {(row[0], row[1]) for row in rows}
    entry = (await standing_site.service.showing.operations())["operations"][0]
    assert (entry["what"], entry["reason"], entry["actor"]) == ("signal", "broken feed", "risk")


async def test_a_decision_is_tried_again_with_what_stood_beside_it(
    standing_site: Site, batch: dict[str, Any]
) -> None:
    first, *rest = [one for one in batch["signals"] if one["action"] != "HOLD"]
    await standing_site.decide({**batch, "signals": rest})
    answer = await standing_site.decide({**batch, "signals": [first]})

    page = await standing_site.client.get(f"/console/what-if?decision={answer['decision_id']}")

    filled = re.search(r"<textarea[^>]*name=\"batch\"[^>]*>(.*?)</textarea>", page.text, re.DOTALL)
    assert filled is not None
    shown = json.loads(html.unescape(filled[1]))["signals"]
    assert sorted((one["symbol"], one["strategy_id"]) for one in shown) == sorted(
        (one["symbol"], one["strategy_id"]) for one in [first, *rest]
    )


async def test_who_may_not_operate_sees_no_way_to_end_a_signal(
    standing_site: Site, batch: dict[str, Any]
) -> None:
    await standing_site.decide(batch)
    await standing_site.sign_in("reader")
    page = (await standing_site.client.get("/console/signals")).text
    assert "Signals in force" in page
    assert "end-signals" not in page
