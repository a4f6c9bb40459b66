"""``/market`` over HTTP: units of stamps, and who may correct what is believed."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from app.core.errors import UnknownSymbol
from tests.api.site import Site

DIGESTS = {
    role: hashlib.sha256(f"{role}-secret".encode()).hexdigest() for role in ("trade", "operate")
}
NOW = 1_735_226_000_000_000_000


@pytest.mark.parametrize(
    ("stamp", "unit"),
    [
        (NOW // 10**9, "seconds"),
        (NOW // 10**6, "milliseconds"),
        (NOW // 10**3, "microseconds"),
    ],
)
@pytest.mark.parametrize("url", ["/market/prices", "/market/returns"])
async def test_c12_a_stamp_in_another_unit_is_refused_and_the_likely_one_is_named(
    site: Site, url: str, stamp: int, unit: str
) -> None:
    body = {"timestamp_ns": stamp, url.rsplit("/", 1)[-1]: {"B": 1}}
    answer = await site.client.post(url, json=body)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error == {
        "path": "timestamp_ns",
        "message": "must be nanoseconds since 1970 UTC, from the year 2000 on; this looks like "
        f"{unit}",
        "was": stamp,
    }
    assert site.service.calls == []


async def test_c13_a_signal_stamped_in_milliseconds_is_refused(
    site: Site, valid: dict[str, Any]
) -> None:
    valid["signals"][0]["timestamp_ns"] = NOW // 10**6
    answer = await site.client.post("/allocate", json=valid)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["path"] == "signals.0.timestamp_ns"
    assert error["message"].endswith("this looks like milliseconds")


async def test_a_stamp_that_fits_no_unit_is_refused_without_a_guess(site: Site) -> None:
    answer = await site.client.post("/market/prices", json={"timestamp_ns": 0, "prices": {}})
    [error] = answer.json()["errors"]
    assert error["message"] == "must be nanoseconds since 1970 UTC, from the year 2000 on"


CORRECTIONS: list[tuple[str, dict[str, Any]]] = [
    ("/market/accept", {"symbol": "B", "price": 2, "reason": "r"}),
    ("/market/split", {"symbol": "B", "ratio": 2, "reason": "r"}),
    ("/market/forget", {"symbol": "B", "reason": "r"}),
    ("/outcomes/withdraw", {"outcomes": [], "reason": "r"}),
]


@pytest.mark.parametrize(("url", "body"), CORRECTIONS)
async def test_another_book_is_not_known(site: Site, url: str, body: dict[str, Any]) -> None:
    answer = await site.client.post(url, json=body | {"portfolio_id": "other"})
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:himari:problem:unknown-portfolio"
    assert site.service.calls == []


@pytest.mark.parametrize(("url", "body"), CORRECTIONS[:3])
async def test_an_unknown_symbol_is_not_found(site: Site, url: str, body: dict[str, Any]) -> None:
    site.service.error = UnknownSymbol("nothing is known of symbol 'B'")
    answer = await site.client.post(url, json=body)
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:himari:problem:unknown-symbol"


@pytest.mark.parametrize(("url", "body"), CORRECTIONS)
async def test_correcting_needs_the_role_operate_and_the_key_is_who(
    site_with: Callable[..., Site], url: str, body: dict[str, Any]
) -> None:
    keys = [f"{role}-key:{role}:{digest}" for role, digest in DIGESTS.items()]
    site = site_with(api_keys=tuple(keys))
    async with site.client:
        as_trader = {"authorization": "Bearer trade-secret"}
        answer = await site.client.post(url, json=body, headers=as_trader)
        assert answer.status_code == 403
        as_operator = {"authorization": "Bearer operate-secret"}
        answer = await site.client.post(url, json=body, headers=as_operator)
        assert answer.status_code == 200, answer.text
    assert site.service.calls[0][-2:] == ("r", "operate-key")
