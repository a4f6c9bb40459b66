"""Corrections of what was learnt: the forms, who and why, and what is refused."""

from typing import Any

import pytest

from tests.console.site import Site


async def post(site: Site, name: str, **fields: str) -> Any:
    form = {"csrf": await site.csrf("/console/correct/accept"), "reason": "checked", **fields}
    return await site.client.post(f"/console/correct/{name}", data=form)


async def learnt(site: Site, **prices: float) -> None:
    await site.service.learning.observe_prices(site.clock.now_ns(), prices)


async def test_a_price_is_accepted_with_who_and_why(keyed_site: Site) -> None:
    await keyed_site.sign_in("risk")
    await learnt(keyed_site, BTC=100.0)

    response = await post(keyed_site, "accept", symbol=" BTC ", price="5")

    assert response.headers["location"] == "/console/operate?done=accept"
    assert keyed_site.service.beliefs.market.last_price("BTC") == 5.0
    page = (await keyed_site.client.get("/console/operate?done=accept")).text
    assert "Done: Accept a price." in page
    entry = (await keyed_site.service.showing.operations())["operations"][0]
    assert (entry["what"], entry["reason"], entry["actor"]) == ("accept", "checked", "risk")


async def test_a_symbol_is_split_and_forgotten(keyed_site: Site) -> None:
    await keyed_site.sign_in("risk")
    await learnt(keyed_site, BTC=100.0)

    await post(keyed_site, "split", symbol="BTC", ratio="4")
    assert keyed_site.service.beliefs.market.last_price("BTC") == 25.0
    await post(keyed_site, "forget", symbol="BTC")
    assert "BTC" not in keyed_site.service.beliefs.market.symbols()


async def test_an_outcome_is_withdrawn(open_site: Site, batch: dict[str, Any]) -> None:
    decided = await open_site.decide(batch)
    symbol = next(iter(decided["allocations"]))
    outcome = {
        "decision_id": decided["decision_id"],
        "symbol": symbol,
        "realized_return": 0.01,
    }
    await open_site.client.post("/outcomes", json={"outcomes": [outcome]})

    fields = {"decision_id": decided["decision_id"], "symbol": symbol}
    assert (await post(open_site, "withdraw", **fields)).status_code == 303
    again = await post(open_site, "withdraw", **fields)

    assert again.status_code == 422
    assert "no outcome of that decision and symbol is counted" in again.text


@pytest.mark.parametrize(
    ("name", "fields", "sentence"),
    [
        ("accept", {"symbol": "BTC", "price": "0"}, "price must be a number &gt; 0"),
        ("accept", {"symbol": "BTC", "price": "nan"}, "price must be a number &gt; 0"),
        ("accept", {"symbol": "BTC", "price": "x"}, "price must be a number &gt; 0"),
        ("accept", {"symbol": " ", "price": "1"}, "symbol must be 1 to 256"),
        ("split", {"symbol": "BTC"}, "ratio must be a number &gt; 0"),
        ("forget", {"symbol": "ETH"}, "ETH"),
        ("forget", {"symbol": "BTC", "reason": " "}, "say why"),
    ],
)
async def test_a_refused_form_is_shown_again_with_the_reason_and_its_values(
    keyed_site: Site, name: str, fields: dict[str, str], sentence: str
) -> None:
    await keyed_site.sign_in("risk")
    await learnt(keyed_site, BTC=100.0)

    response = await post(keyed_site, name, **fields)

    assert response.status_code == 422
    assert "Not done" in response.text
    assert sentence in response.text
    assert f'value="{fields["symbol"]}"' in response.text
    assert keyed_site.service.beliefs.market.last_price("BTC") == 100.0


async def test_correcting_needs_the_role_the_token_and_a_known_form(keyed_site: Site) -> None:
    await keyed_site.sign_in("trader")
    page = (await keyed_site.client.get("/console/correct/accept")).text
    assert "no role <code>operate</code>" in page
    assert (await keyed_site.client.post("/console/correct/accept", data={})).status_code == 403
    await keyed_site.sign_in("risk")
    assert (await post(keyed_site, "accept", csrf="x", symbol="BTC", price="1")).status_code == 403
    assert (await post(keyed_site, "undo", symbol="BTC")).status_code == 404


async def test_prices_under_doubt_and_positions_set_apart_are_listed(
    open_site: Site, batch: dict[str, Any]
) -> None:
    symbol = batch["signals"][0]["symbol"]
    await open_site.decide({**batch, "current_positions": {"UNPRICED": 2.0}})
    believed = open_site.service.beliefs.market.last_price(symbol)
    assert believed is not None
    open_site.clock.advance(1.0)
    await learnt(open_site, **{symbol: 100.0 * believed})

    page = (await open_site.client.get("/console/operate")).text

    assert "Prices under doubt" in page
    assert f"/console/correct/accept?symbol={symbol}&amp;price={100.0 * believed}" in page
    assert "Positions set apart" in page
    assert "UNPRICED" in page
