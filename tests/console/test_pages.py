"""What the pages say."""

import csv
import io
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from app.console.query import read_search
from app.core.policy.circuit import CallOutcome
from app.core.types import Outcome, Prediction, TradingState
from app.pipeline.views import records_view
from tests.console.feed import Desk
from tests.console.site import Site, running_site, scripted_policy
from tests.console.tables import rows_of
from tests.fakes import FakePolicyClient


async def test_the_first_page_says_what_the_service_does(
    open_site: Site, batch: dict[str, Any]
) -> None:
    answer = await open_site.decide(batch)
    page = (await open_site.client.get("/console")).text

    assert "A model is asked; Phase 2 decides where it fails." in page
    assert "ACTIVE" in page
    assert "1 of 1 decisions" in page
    row = rows_of(page, "Last decisions")[0]
    assert row[1].startswith(answer["decision_id"][:8])
    assert f"{answer['total_allocated_usd']:,.0f}" in row


async def test_before_the_first_decision_every_page_is_whole(open_site: Site) -> None:
    for path in (
        "",
        "/limits",
        "/signals",
        "/policy",
        "/journal",
        "/journal/operations",
        "/what-if",
    ):
        response = await open_site.client.get(f"/console{path}")
        assert response.status_code == 200, path
    assert "No decision yet" in (await open_site.client.get("/console")).text


async def test_after_a_restart_the_first_page_shows_how_the_journal_ends(
    tmp_path: Path, batch: dict[str, Any]
) -> None:
    async with running_site(tmp_path) as before:
        answer = await before.decide(batch)
    async with running_site(tmp_path) as after:
        page = (await after.client.get("/console")).text

    assert "None since the service started" in page
    assert answer["decision_id"] in page


async def test_an_open_circuit_counts_down(open_site: Site) -> None:
    breaker = open_site.service.world.gate.breaker
    now = open_site.clock.monotonic()
    for _ in range(5):
        ticket = breaker.acquire(now)
        assert ticket is not None
        breaker.report(ticket, CallOutcome.FAILURE, now, reason="timeout")
    open_site.clock.advance(7.0)

    page = (await open_site.client.get("/console")).text

    assert re.search(r"probe in <b[^>]*>23\Ws</b>", page)


async def test_limits_show_what_the_risk_budget_says_and_what_bound(
    open_site: Site, batch: dict[str, Any]
) -> None:
    batch["signals"] = [{**batch["signals"][0], "action": "BUY", "expected_return": 0.01}]
    answer = await open_site.decide(batch)
    budget = open_site.service.showing.risk_budget()["limits"]
    page = (await open_site.client.get("/console/limits")).text

    shown = {row[0]: row for row in rows_of(page, "Symbols: use of each limit,")}
    wanted = {row["identifier"]: row for row in budget if row["level"] == "position"}
    assert shown.keys() == wanted.keys()
    for name, row in shown.items():
        assert row[2].startswith(f"{wanted[name]['utilization_pct']:.1f}")
    bound = [entry["id"] for entry in answer["binding_limits"] if entry["limit"] == "position"]
    assert bound
    for name in bound:
        assert shown[name][-1].startswith("position limit, asked")


async def test_a_group_is_shown_beside_the_other_limits_and_named_by_its_members(
    tmp_path: Path, batch: dict[str, Any]
) -> None:
    wish = {**batch["signals"][0], "action": "BUY", "expected_return": 0.01}
    batch["signals"] = [{**wish, "symbol": symbol} for symbol in ("BTC-USD", "ETH-USD", "SOL-USD")]
    own = {"group_caps": {"majors": 0.05}, "groups": {"majors": ("BTC-USD", "ETH-USD")}}
    async with running_site(tmp_path, limits=own) as site:
        answer = await site.decide(batch)
        page = (await site.client.get("/console/limits")).text

    (entry,) = [entry for entry in answer["binding_limits"] if entry["limit"] == "group"]
    (group,) = rows_of(page, "Groups: use of each limit,")
    assert group[0] == "majors"
    assert group[2] == "100.0 % full"
    assert group[-1] == f"group limit, asked {entry['requested_usd']:,.0f}"
    bound = {row[0]: row[-1] for row in rows_of(page, "Symbols: use of each limit,")}
    assert bound["BTC-USD"] == bound["ETH-USD"] == "group limit of majors"
    assert "majors" not in bound["SOL-USD"]


async def test_a_kind_of_limit_that_nobody_set_has_no_table(
    open_site: Site, batch: dict[str, Any]
) -> None:
    await open_site.decide(batch)
    page = (await open_site.client.get("/console/limits")).text

    assert re.findall(r"<h2>(.*?)</h2>", page) == ["Portfolio", "Strategies", "Symbols"]


async def test_where_nothing_may_be_held_the_limits_say_why(
    open_site: Site, batch: dict[str, Any]
) -> None:
    await open_site.service.operating.set_trading_state(
        TradingState.HALTED, "x", "desk", flatten=True
    )
    await open_site.decide(batch)
    page = (await open_site.client.get("/console/limits")).text

    assert "trading is HALTED with flatten: every target is zero" in page
    bound = {row[-1] for row in rows_of(page, "Symbols: use of each limit,")}
    assert bound == {"no room: every target is zero"}


async def test_a_decision_is_opened_stage_by_stage(open_site: Site, batch: dict[str, Any]) -> None:
    answer = await open_site.decide(batch)
    page = (await open_site.client.get(f"/console/decisions/{answer['decision_id']}")).text

    parts = [
        (position["symbol"], part)
        for position in answer["positions"]
        for part in position["contributions"]
        if any(part["stages"].values())
    ]
    assert parts
    for symbol, part in parts:
        rows = rows_of(page, f"Stages of {symbol}, {part['strategy_id']}")
        assert [row[0] for row in rows] == [
            "Kelly",
            "Conformal",
            "Sentiment",
            "Regime",
            "Cascade",
            "Portfolio",
            "Policy",
            "Final",
        ]
        for row, usd in zip(rows, part["stages"].values(), strict=True):
            digits = 0 if abs(usd) >= 1000 or usd == 0 else 2
            assert row[2] == f"{usd:,.{digits}f}".replace("-", "\N{MINUS SIGN}")
    for warning in answer["warnings"]:
        assert warning in page


async def test_a_decision_trace_has_the_prediction_beside_its_signal(
    open_site: Site, batch: dict[str, Any]
) -> None:
    answer = await open_site.decide(batch)
    trace = await open_site.service.showing.decision_trace(answer["decision_id"])

    predictions = [row["prediction"] for row in trace["signals"] if row["direction"]]
    assert len(predictions) == len(trace["policy"]["predictions"])
    for row in trace["signals"]:
        if row["prediction"] is not None:
            baseline = answer["baseline_allocations"][row["signal"]["symbol"]]
            expected = 0.5 * baseline / answer["portfolio_value"]
            assert row["prediction"]["position_pct"] == pytest.approx(expected)


async def test_a_decision_names_why_the_policy_abstained(
    tmp_path: Path, batch: dict[str, Any]
) -> None:
    silent = Prediction(0.0, 0.0, 0.0, 0.02, "v1", reason="too little history: 0 of 250")
    async with running_site(tmp_path, policy=FakePolicyClient(answer=silent)) as site:
        answer = await site.decide(batch)
        page = (await site.client.get(f"/console/decisions/{answer['decision_id']}")).text

    assert answer["fallback_reason"] == "low_confidence"
    assert re.search(r"Abstained from (\d+) of \1: too little history: 0 of 250", page)


async def test_rejected_signals_and_the_fallback_reason_are_told(
    tmp_path: Path, batch: dict[str, Any]
) -> None:
    batch["current_prices"].pop(batch["signals"][0]["symbol"])
    async with running_site(tmp_path) as site:
        answer = await site.decide(batch)
        page = (await site.client.get(f"/console/decisions/{answer['decision_id']}")).text

    assert "rl disabled" in page
    assert f"{batch['signals'][0]['symbol']}: no usable price" in page


async def test_an_unknown_decision_is_a_page_that_says_so(open_site: Site) -> None:
    response = await open_site.client.get("/console/decisions/none-such")

    assert response.status_code == 404
    assert "no decision" in response.text
    assert response.headers["content-type"].startswith("text/html")


async def test_names_of_callers_are_never_markup(open_site: Site, batch: dict[str, Any]) -> None:
    evil = "<img/src=x/onerror=alert(1)>"
    batch["signals"][0] |= {"strategy_id": evil, "symbol": evil}
    batch["current_prices"][evil] = 1.0
    answer = await open_site.decide(batch)

    for path in ("", "/limits", "/journal", f"/decisions/{answer['decision_id']}"):
        assert "<img/src=x" not in (await open_site.client.get(f"/console{path}")).text


async def _price(site: Site, desk: Desk, count: int) -> list[tuple[float, float]]:
    """Decide and price some batches; returns what both allocations earned."""
    earned = []
    for step in range(count):
        answer = await site.decide(desk.batch(site.clock.now_ns() + step))
        came = desk.move()
        value = answer["portfolio_value"]
        await site.service.learning.record_outcomes(
            [Outcome(s, came[s], decision_id=answer["decision_id"]) for s in answer["allocations"]]
        )
        earned.append(
            (
                sum(usd * came[s] for s, usd in answer["allocations"].items()) / value,
                sum(usd * came[s] for s, usd in answer["baseline_allocations"].items()) / value,
            )
        )
    return earned


async def test_the_two_lines_are_what_both_allocations_earned(open_site: Site) -> None:
    earned = await _price(open_site, Desk(), 25)

    kept = open_site.service.beliefs.performance.paired_returns()
    assert [r for pair in kept for r in pair] == pytest.approx([r for pair in earned for r in pair])
    page = (await open_site.client.get("/console/policy")).text
    paired = open_site.service.showing.performance()["paired"]
    assert page.count("<polyline") == 2
    assert f"{1e4 * paired['mean_difference']:+.2f}".replace("-", "\N{MINUS SIGN}") in page
    shown = {row[0]: row for row in rows_of(page, "What outcomes have taught")}
    summary = records_view(open_site.service.beliefs)
    assert {name: int(row[1]) for name, row in shown.items()} == {
        name: record["outcomes"] for name, record in summary.items()
    }


async def test_both_lines_survive_a_restart(tmp_path: Path) -> None:
    async with running_site(tmp_path, policy=scripted_policy()) as before:
        await _price(before, Desk(), 3)
        earned = before.service.beliefs.performance.paired_returns()
    async with running_site(tmp_path) as after:
        assert after.service.beliefs.performance.paired_returns() == earned


async def test_the_journal_is_searched_by_every_field(
    open_site: Site, batch: dict[str, Any]
) -> None:
    with_btc = await open_site.decide(
        {**batch, "signals": [{**batch["signals"][0], "symbol": "BTC-USD", "strategy_id": "solo"}]}
    )
    open_site.clock.advance(3600.0)
    empty = await open_site.decide({**batch, "signals": [], "current_positions": None})

    async def found(query: str) -> list[str]:
        page = (await open_site.client.get(f"/console/journal?{query}")).text
        return sorted(set(re.findall(r'title="([0-9a-f]{32})"', page)))

    both = sorted([with_btc["decision_id"], empty["decision_id"]])
    assert await found("") == both
    assert await found("symbol=BTC-USD") == [with_btc["decision_id"]]
    assert await found("strategy_id=solo") == [with_btc["decision_id"]]
    assert await found("strategy=fallback") == [empty["decision_id"]]
    assert await found("reason=empty_batch") == [empty["decision_id"]]
    assert await found("until=2024-12-26T15:20") == [with_btc["decision_id"]]
    assert await found("since=2024-12-26T16:00") == [empty["decision_id"]]
    assert await found("symbol=NONE") == []
    by_id = await open_site.client.get(f"/console/journal?id={empty['decision_id']}")
    assert by_id.headers["location"] == f"/console/decisions/{empty['decision_id']}"


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("2026-01-31", "2026-01-31T23:59:59"),
        ("2026-01-31T00:00", "2026-01-31T00:00:59"),
        ("2026-01-31T09:30", "2026-01-31T09:30:59"),
        ("2026-01-31T09:30:00", "2026-01-31T09:30:00"),
        ("2026-01-31T09:30:07", "2026-01-31T09:30:07"),
    ],
)
def test_a_search_ends_with_the_day_minute_or_second_that_was_written(
    until: str, last: str
) -> None:
    found = read_search({"until": until}, 1).query.until_ns
    last_second = int(datetime.fromisoformat(f"{last}+00:00").timestamp())

    assert found == last_second * 1_000_000_000 + 999_999_999


@pytest.mark.parametrize(
    "query",
    ["strategy=other", "reason=none", "since=yesterday", "before_seq=-1", "symbol=" + 300 * "x"],
)
async def test_a_search_that_cannot_be_is_refused_with_a_sentence(
    open_site: Site, query: str
) -> None:
    response = await open_site.client.get(f"/console/journal?{query}")

    assert response.status_code == 422
    assert "must" in response.text


async def test_the_export_holds_what_the_search_found(
    open_site: Site, batch: dict[str, Any]
) -> None:
    first = await open_site.decide(batch)
    await open_site.decide({**batch, "signals": [], "current_positions": None})

    lines = list(
        csv.DictReader(
            io.StringIO((await open_site.client.get("/console/journal.csv?strategy=rl")).text)
        )
    )
    whole = (await open_site.client.get("/console/journal.json?strategy=rl")).json()

    assert {line["symbol"]: float(line["target_usd"]) for line in lines} == first["allocations"]
    assert [entry["answer"] for entry in whole["decisions"]] == [first]


async def test_no_cell_of_the_csv_is_a_formula(open_site: Site, batch: dict[str, Any]) -> None:
    batch["signals"][0]["symbol"] = "=HYPERLINK(1)"
    batch["current_prices"]["=HYPERLINK(1)"] = 5.0
    await open_site.decide(batch)

    exported = (await open_site.client.get("/console/journal.csv")).text
    weights = (await open_site.client.get("/portfolio/weights.csv")).text

    assert ",'=HYPERLINK(1)," in exported
    assert ",'=HYPERLINK(1)," in weights


async def test_older_decisions_are_a_page_away(open_site: Site, batch: dict[str, Any]) -> None:
    for _ in range(51):
        await open_site.decide({**batch, "signals": batch["signals"][:1]})

    page = (await open_site.client.get("/console/journal?strategy=rl")).text
    older = re.search(r'href="([^"]*before_seq=[^"]*)" rel="next"', page)
    assert older is not None
    following = (await open_site.client.get(older[1].replace("&amp;", "&"))).text

    assert len(rows_of(page, "Decisions that match")) == 50
    assert len(rows_of(following, "Decisions that match")) == 1
    assert "strategy=rl" in older[1]


async def test_an_asset_may_be_kept_for_ever_and_no_other_name_is_served(open_site: Site) -> None:
    page = (await open_site.client.get("/console/what-if")).text
    found = re.findall(r'(?:href|src)="(/console/assets/[^"]+)"', page)

    assert {re.sub(r"\.[0-9a-f]{16}\.", ".", path.rpartition("/")[2]) for path in found} == {
        "icon.svg",
        "console.css",
        "console.js",
        "htmx.js",
    }
    for path in found:
        response = await open_site.client.get(path)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
    for name in ("console.css", "..%2Fsite.py", "x.0123456789abcdef.js"):
        assert (await open_site.client.get(f"/console/assets/{name}")).status_code == 404


async def test_behind_a_root_path_every_link_has_it(open_site: Site, batch: dict[str, Any]) -> None:
    await open_site.decide(batch)
    open_site.client._transport.root_path = "/himari"  # type: ignore[attr-defined] # noqa: SLF001

    page = (await open_site.client.get("/himari/console")).text

    links = re.findall(r'(?:href|src|action|data-events)="(/[^"]*)"', page)
    assert links
    assert all(link.startswith("/himari/console") for link in links)
