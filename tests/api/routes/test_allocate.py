"""Every field of a batch against every kind of bad value: 422 at its path, and nothing decided."""

import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

import httpx
import pytest

from app.api.request import examples
from app.core.params import SignalParams
from app.core.types import Action, CascadeIndicators, Regime, Signal
from tests.api.site import Site

BIG = "9" * 10_000
NOT_NUMBERS = ["true", "false", '"0.5"', "[]", "{}", "NaN", "Infinity", "-Infinity", "1e999", BIG]
BAD_IDS = [
    '""',
    '"   "',
    '"a\\u0000b"',
    '"a\\nb"',
    '"\\u0085"',
    '"BTC "',
    '" BTC"',
    '"BTC USD"',
    '"BTC\\u00a0"',
    '"BTC\\u200b"',
    '"BTC\\u3164"',
    '"\\ufeffBTC"',
    '"e\\u0301"',
    "7",
    "true",
    "null",
    "[]",
    '{"a":1}',
]
TOO_LONG = json.dumps("x" * 257)
BAD_TIMES = [
    "-1",
    "0",
    "946684799999999999",
    "1735226000000",
    "1.5",
    "1e3",
    "9223372036854775808",
    "true",
    '"1"',
    "null",
    BIG,
]
BAD_NAMES = ['"HODL"', '""', "1", "true", "null", "[]", '"BUY "']

OUT_OF_UNIT = ["-0.001", "1.001"]
NUMBERS = {
    "signals.0.confidence": [*OUT_OF_UNIT, "null"],
    "signals.0.risk_score": [*OUT_OF_UNIT, "null"],
    "signals.0.sentiment_score": OUT_OF_UNIT,
    "signals.0.sentiment_confidence": OUT_OF_UNIT,
    "signals.0.predicted_volatility": ["0", "-0.1"],
    "signals.0.expected_return": [],
    "signals.0.signal_strength": [],
    "cascade_indicators.funding_rate": ["-1.01", "1.01", "null"],
    "cascade_indicators.oi_change_pct": ["-1.01", "1.01", "null"],
    "cascade_indicators.volume_ratio": ["-0.01", "null"],
    "cascade_indicators.onchain_whale_pressure": [*OUT_OF_UNIT, "null"],
    "cascade_indicators.exchange_netflow_zscore": ["-10.1", "10.1", "null"],
    "current_prices.BTC-USD": [],
    "current_positions.BTC-USD": ["null"],
    "portfolio_value": ["0", "-1"],
}
CASES = [
    *((path, bad) for path, own in NUMBERS.items() for bad in [*NOT_NUMBERS, *own]),
    *(("signals.0." + name, bad) for name in ("strategy_id", "symbol") for bad in BAD_IDS),
    *(("signals.0." + name, TOO_LONG) for name in ("strategy_id", "symbol")),
    *(("signals.0.timestamp_ns", bad) for bad in BAD_TIMES),
    *(("signals.0." + name, bad) for name in ("action", "regime") for bad in BAD_NAMES),
    *((path, bad) for path in ("signals.0", "cascade_indicators") for bad in ("null", "[]", "1")),
    *(("current_prices", bad) for bad in ("null", "[]", '"x"')),
    *(("signals", bad) for bad in ("null", "{}", '"x"')),
    *((path, bad) for path in ("current_positions", "market_data") for bad in ("[]", "1", '"x"')),
    *(("market_data.x", bad) for bad in ("NaN", "-Infinity", "1e999")),
]
REQUIRED = [
    "signals",
    "cascade_indicators",
    "current_prices",
    *(
        f"signals.0.{name}"
        for name in (
            "strategy_id", "symbol", "action", "confidence", "risk_score", "regime", "timestamp_ns",
        )
    ),
]  # fmt: skip


def with_raw(path: str, raw: str) -> bytes:
    """Replace one value of the valid batch by raw text, JSON or not."""
    body: Any = deepcopy(examples.ALLOCATE)
    *parents, last = path.split(".")
    place = body
    for part in parents:
        place = place[int(part)] if part.isdigit() else place[part]
    place[int(last) if last.isdigit() else last] = "@@"
    return json.dumps(body).replace('"@@"', raw).encode()


async def refused(site: Site, body: bytes) -> dict[str, Any]:
    """Send a batch that must be refused; the problem it came back with."""
    answer = await site.client.post("/allocate", content=body)
    assert answer.status_code == 422, answer.text[:300]
    assert answer.headers["content-type"] == "application/problem+json"
    assert site.service.calls == []
    problem: dict[str, Any] = answer.json()
    return problem


@pytest.mark.parametrize(("path", "bad"), CASES, ids=lambda value: value[:30])
async def test_a_bad_value_is_refused_at_its_path(site: Site, path: str, bad: str) -> None:
    problem = await refused(site, with_raw(path, bad))
    # An integer of 10,000 digits is beyond every parser; its place is in the excerpt.
    wanted = "" if bad == BIG else path
    assert [error["path"] for error in problem["errors"]] == [wanted]
    assert problem["errors"][0]["message"]


@pytest.mark.parametrize("path", REQUIRED)
async def test_a_required_field_is_missed_at_its_path(site: Site, path: str) -> None:
    body = deepcopy(examples.ALLOCATE)
    place, last = (body["signals"][0], path.rsplit(".", 1)[-1]) if "." in path else (body, path)
    del place[last]
    problem = await refused(site, json.dumps(body).encode())
    assert problem["errors"] == [{"path": path, "message": "is required", "was": None}]


@pytest.mark.parametrize("path", ["typo", "signals.0.typo", "cascade_indicators.typo"])
async def test_an_unknown_field_is_refused_by_name(site: Site, path: str) -> None:
    problem = await refused(site, with_raw(path, "3"))
    assert problem["errors"] == [{"path": path, "message": "is not a known field", "was": 3}]


@pytest.mark.parametrize("key", ["", "  ", "a\x00b", "x" * 257])
@pytest.mark.parametrize("field", ["current_prices", "current_positions"])
async def test_a_bad_symbol_as_a_key_is_refused(site: Site, field: str, key: str) -> None:
    body = deepcopy(examples.ALLOCATE) | {field: {key: 1.0}}
    problem = await refused(site, json.dumps(body).encode())
    assert problem["errors"][0]["path"].startswith(f"{field}.")


async def test_all_broken_fields_are_named_at_once(site: Site, valid: dict[str, Any]) -> None:
    valid["signals"].append(valid["signals"][0] | {"confidence": 2, "action": "x"})
    valid["portfolio_value"] = -1
    problem = await refused(site, json.dumps(valid).encode())
    paths = {error["path"] for error in problem["errors"]}
    assert paths == {"signals.1.confidence", "signals.1.action", "portfolio_value"}
    assert "3 problems" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "shown"),
    [(b"NaN", "NaN"), (b"Infinity", "Infinity"), (b"-1e999", "-Infinity"), (b"7", 7)],
)
async def test_the_offending_value_is_shown(site: Site, body: bytes, shown: object) -> None:
    problem = await refused(site, with_raw("signals.0.confidence", body.decode()))
    assert problem["errors"][0]["was"] == shown


async def test_a_long_offending_value_is_shortened(site: Site) -> None:
    problem = await refused(site, with_raw("signals.0.action", json.dumps("y" * 5000)))
    assert len(problem["errors"][0]["was"]) == 200


async def sent(site: Site, body: dict[str, Any]) -> Any:
    """Send a batch that must be taken; the batch as the service got it."""
    answer = await site.client.post("/allocate", json=body)
    assert answer.status_code == 200, answer.text
    return site.service.calls[-1][1]


async def test_the_contract_example_reaches_the_service_whole(
    site: Site, valid: dict[str, Any]
) -> None:
    batch = await sent(site, valid)
    row = valid["signals"][0]
    wanted = row | {"action": Action.BUY, "regime": Regime.TRENDING_UP}
    assert batch.signals == (Signal(**wanted),)
    assert type(batch.signals[0]) is Signal
    assert batch.cascade == CascadeIndicators(**valid["cascade_indicators"])
    assert batch.prices == {"BTC-USD": 43500.0}
    assert batch.positions == {"BTC-USD": 0.10}
    assert batch.portfolio_value == 100_000.0
    assert batch.received_ns == 1_735_226_000_000_000_000
    assert batch.calm_by_default == ()


async def test_the_door_bounds_the_stamps_by_the_clock_and_the_setting(
    site: Site, valid: dict[str, Any]
) -> None:
    assert (await sent(site, valid)).stamps_until_ns == 1_735_226_060_000_000_000
    wider = SignalParams(max_ahead_sec=86_400.0)
    site.service.params = replace(site.service.params, signals=wider)
    assert (await sent(site, valid)).stamps_until_ns == 1_735_312_400_000_000_000


async def test_a_portfolio_value_of_the_settings_is_told_apart(
    site: Site, valid: dict[str, Any]
) -> None:
    assert (await sent(site, valid)).value_given
    batch = await sent(site, valid | {"portfolio_value": None})
    assert (batch.portfolio_value, batch.value_given) == (100_000.0, False)


async def test_prices_that_say_that_there_is_none_reach_the_service_as_given(
    site: Site, valid: dict[str, Any]
) -> None:
    prices = {"BTC-USD": 43_500.0, "A": 0, "B": -1.5, "C": None}
    assert (await sent(site, valid | {"current_prices": prices})).prices == prices


@pytest.mark.parametrize(
    ("stamp", "unit"),
    [(1_735_226_000, "seconds"), (1_735_226_000_000, "milliseconds"),
     (1_735_226_000_000_000, "microseconds")],
)  # fmt: skip
async def test_a_stamp_in_another_unit_is_refused_and_the_unit_named(
    site: Site, stamp: int, unit: str
) -> None:
    (error,) = (await refused(site, with_raw("signals.0.timestamp_ns", str(stamp))))["errors"]
    assert error == {
        "path": "signals.0.timestamp_ns",
        "message": "must be nanoseconds since 1970 UTC, from the year 2000 on; this looks like "
        + unit,
        "was": stamp,
    }


@pytest.mark.parametrize("stamp", [0, 946_684_799_999_999_999])
async def test_a_stamp_of_before_2000_is_refused(site: Site, stamp: int) -> None:
    (error,) = (await refused(site, with_raw("signals.0.timestamp_ns", str(stamp))))["errors"]
    assert error["path"] == "signals.0.timestamp_ns"
    assert error["message"].startswith("must be nanoseconds since 1970 UTC, from the year 2000 on")


async def test_the_first_stamp_of_2000_is_taken(site: Site, valid: dict[str, Any]) -> None:
    valid["signals"][0]["timestamp_ns"] = 946_684_800 * 10**9
    assert (await sent(site, valid)).signals[0].timestamp_ns == 946_684_800 * 10**9


@pytest.mark.parametrize(
    ("given", "meant"),
    [("CRISIS_FLIGHT", "crisis"), ("crisis_flight", "crisis"), ("ranging", "ranging"),
     ("HIGH_VOLATILITY", "high_volatility"), ("Trending_Up", "trending_up")],
)  # fmt: skip
async def test_regimes_are_taken_in_either_case(
    site: Site, valid: dict[str, Any], given: str, meant: str
) -> None:
    valid["signals"][0]["regime"] = given
    assert (await sent(site, valid)).signals[0].regime is Regime(meant)


@pytest.mark.parametrize("given", ["strong_sell", "STRONG_SELL"])
async def test_actions_are_taken_in_either_case(
    site: Site, valid: dict[str, Any], given: str
) -> None:
    valid["signals"][0]["action"] = given
    assert (await sent(site, valid)).signals[0].action is Action.STRONG_SELL


async def test_integers_are_numbers_and_edges_are_inside(site: Site, valid: dict[str, Any]) -> None:
    valid["signals"][0] |= {"confidence": 1, "risk_score": 0, "timestamp_ns": 2**63 - 1}
    valid["cascade_indicators"] |= {"exchange_netflow_zscore": -10, "oi_change_pct": -1}
    batch = await sent(site, valid)
    assert type(batch.signals[0].confidence) is float
    assert batch.signals[0].timestamp_ns == 2**63 - 1


async def test_optional_things_may_be_null_or_absent(site: Site, valid: dict[str, Any]) -> None:
    nulls = dict.fromkeys(("portfolio_value", "current_positions", "market_data"))
    batch = await sent(site, valid | nulls)
    assert (batch.portfolio_value, batch.positions, batch.market_data) == (100_000.0, None, {})
    for name in nulls:
        del valid[name]
    for name in ("expected_return", "predicted_volatility", "sentiment_score"):
        valid["signals"][0][name] = None
    assert (await sent(site, valid)).positions is None


async def test_no_positions_given_and_no_positions_held_are_told_apart(
    site: Site, valid: dict[str, Any]
) -> None:
    assert (await sent(site, valid | {"current_positions": {}})).positions == {}


async def test_indicators_left_out_are_calm_and_listed(site: Site, valid: dict[str, Any]) -> None:
    valid["cascade_indicators"] = {"volume_ratio": 3}
    batch = await sent(site, valid)
    assert batch.cascade == CascadeIndicators(volume_ratio=3.0)
    assert batch.calm_by_default == (
        "funding_rate", "oi_change_pct", "onchain_whale_pressure", "exchange_netflow_zscore",
    )  # fmt: skip


async def test_a_batch_without_signals_is_taken(site: Site, valid: dict[str, Any]) -> None:
    assert (await sent(site, valid | {"signals": []})).signals == ()


async def test_market_data_is_free(site: Site, valid: dict[str, Any]) -> None:
    free = {"a": [1, 2.5, None, True, {"t": "12:30:00"}], "": "x"}
    assert (await sent(site, valid | {"market_data": free})).market_data == free


async def test_a_dry_run_says_so(site: Site, valid: dict[str, Any]) -> None:
    answer: httpx.Response = await site.client.post("/allocate?dry_run=true", json=valid)
    assert answer.json()["dry_run"] is True
    assert site.service.calls[0][2] is True


@pytest.mark.parametrize(
    ("stamp", "unit"),
    [
        (1_735_226_000, "seconds"),
        (1_735_226_000_000, "milliseconds"),
        (1_735_226_000_000_000, "microseconds"),
    ],
)
async def test_a_stamp_of_before_2000_names_the_likely_unit(
    site: Site, stamp: int, unit: str
) -> None:
    problem = await refused(site, with_raw("signals.0.timestamp_ns", str(stamp)))
    message = "must be nanoseconds since 1970 UTC, from the year 2000 on; this looks like " + unit
    assert problem["errors"][0]["message"] == message


async def test_a_stamp_that_is_of_no_unit_names_none(site: Site) -> None:
    problem = await refused(site, with_raw("signals.0.timestamp_ns", "12345"))
    message = "must be nanoseconds since 1970 UTC, from the year 2000 on"
    assert problem["errors"][0]["message"] == message


@pytest.mark.parametrize("quote", ["null", "0", "-1", "0.0"])
async def test_a_quote_of_a_halted_coin_is_taken(site: Site, quote: str) -> None:
    answer = await site.client.post("/allocate", content=with_raw("current_prices.BTC-USD", quote))
    assert answer.status_code == 200


async def test_the_door_bounds_stamps_and_says_whether_a_value_was_given(
    site: Site, valid: dict[str, Any]
) -> None:
    await site.client.post("/allocate", json=valid)
    await site.client.post("/allocate", json=valid | {"portfolio_value": None})
    given, absent = (call[1] for call in site.service.calls)
    assert given.stamps_until_ns == given.received_ns + 60 * 10**9
    assert (given.value_given, absent.value_given) == (True, False)


@pytest.mark.parametrize(
    ("body", "header", "status"),
    [
        ("default", None, 200),
        (None, "default", 200),
        ("default", "default", 200),
        ("other", None, 404),
        (None, "other", 404),
        ("default", "other", 422),
    ],
)
async def test_there_is_one_portfolio(
    site: Site, valid: dict[str, Any], body: str | None, header: str | None, status: int
) -> None:
    headers = {} if header is None else {"Himari-Portfolio": header}
    named = valid if body is None else valid | {"portfolio_id": body}
    answer = await site.client.post("/allocate", json=named, headers=headers)
    assert answer.status_code == status
    if status == 404:
        assert answer.json()["type"].endswith("unknown-portfolio")
