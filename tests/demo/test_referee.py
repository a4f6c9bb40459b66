"""The contract checked from outside: each broken promise is named."""

from collections.abc import Callable

import pytest

from app.core.types import JsonObject
from app.demo.referee import Limits, brake_of, cascade_score, violations_of

CALM = {
    "funding_rate": 0.0,
    "oi_change_pct": 0.0,
    "volume_ratio": 1.0,
    "onchain_whale_pressure": 0.0,
    "exchange_netflow_zscore": 0.0,
}


def request() -> JsonObject:
    buy = {"strategy_id": "m", "symbol": "A", "action": "BUY"}
    sell = {"strategy_id": "m", "symbol": "B", "action": "SELL"}
    return {
        "signals": [buy, sell],
        "cascade_indicators": dict(CALM),
        "current_prices": {"A": 10.0, "B": 20.0},
        "portfolio_value": 1000.0,
        "current_positions": {"B": 1.0},
    }


def answer() -> JsonObject:
    def position(symbol: str, usd: float, quantity: float, trade: float) -> JsonObject:
        return {
            "symbol": symbol,
            "target_usd": usd,
            "target_quantity": quantity,
            "trade_usd": trade,
            "price": {"A": 10.0, "B": 20.0}[symbol],
            "contributions": [{"strategy_id": "m", "final_usd": usd}],
        }

    return {
        "strategy": "fallback",
        "allocations": {"A": 150.0, "B": 0.0},
        "baseline_allocations": {"A": 150.0, "B": 0.0},
        "positions": [position("A", 150.0, 15.0, 150.0), position("B", 0.0, 0.0, -20.0)],
        "total_allocated_usd": 150.0,
        "cascade": {"recommendation": "MONITOR"},
    }


def set_target(body: JsonObject, symbol: str, usd: float) -> None:
    prices, held = {"A": 10.0, "B": 20.0}, {"A": 0.0, "B": 1.0}
    body["allocations"][symbol] = body["baseline_allocations"][symbol] = usd
    for position in body["positions"]:
        if position["symbol"] == symbol:
            position["target_usd"] = usd
            position["target_quantity"] = usd / prices[symbol]
            position["trade_usd"] = usd - held[symbol] * prices[symbol]
            position["contributions"][0]["final_usd"] = usd
    body["total_allocated_usd"] = sum(map(abs, body["allocations"].values()))


def test_an_answer_within_the_contract_has_no_violation() -> None:
    assert violations_of(request(), answer(), Limits()) == ()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda a: set_target(a, "A", 150.01), "A must be <= 150.0"),
        (lambda a: set_target(a, "A", -1.0), "A must not be short"),
        (lambda a: set_target(a, "B", 20.0), "B has SELL signals alone"),
        (lambda a: a["allocations"].update(A=float("nan")), "A must be finite"),
        (lambda a: a["cascade"].update(recommendation="EXIT"), "brake must be MONITOR"),
        (lambda a: a["baseline_allocations"].update(A=149.0), "fallback answer must be Phase 2"),
        (lambda a: a["positions"][0].update(target_quantity=14.0), "target quantity of A"),
        (lambda a: a["positions"][0].update(trade_usd=1.0), "trade of A must be 150"),
        (lambda a: a["positions"][0].update(contributions=[]), "contributions of A must add up"),
        (lambda a: a["positions"].pop(), "positions and allocations must name the same"),
        (lambda a: a["allocations"].pop("B"), "B missing"),
        (lambda a: a.update(total_allocated_usd=1.0), "total allocated must be 150"),
    ],
)
def test_each_broken_promise_is_named(spoil: Callable[[JsonObject], None], sentence: str) -> None:
    body = answer()
    spoil(body)
    assert any(sentence in text for text in violations_of(request(), body, Limits()))


def test_gross_limits_of_strategy_and_portfolio_are_checked() -> None:
    tight = Limits(max_strategy_pct=0.10, max_portfolio_pct=0.12)
    found = " ".join(violations_of(request(), answer(), tight))
    assert "strategy m: gross must be <= 100" in found
    assert "allocations: gross must be <= 120" in found


def test_a_brake_scales_every_limit() -> None:
    braked, body = request(), answer()
    braked["cascade_indicators"] |= {"oi_change_pct": -0.3, "onchain_whale_pressure": 1.0}
    body["cascade"]["recommendation"] = "REDUCE_50%"
    assert any("A must be <= 75" in text for text in violations_of(braked, body, Limits()))


@pytest.mark.parametrize(
    ("indicators", "score", "brake"),
    [
        ({}, 0.0, "MONITOR"),
        ({"funding_rate": -0.003, "oi_change_pct": -0.10, "volume_ratio": 5.0}, 0.0, "MONITOR"),
        ({"funding_rate": -0.005}, 0.1, "MONITOR"),
        ({"oi_change_pct": 0.5}, 0.0, "MONITOR"),
        ({"oi_change_pct": -0.3, "exchange_netflow_zscore": -4.0}, 0.4, "MONITOR"),
        ({"oi_change_pct": -0.3, "onchain_whale_pressure": 1.0}, 0.5, "REDUCE_50%"),
        (
            {"oi_change_pct": -0.3, "onchain_whale_pressure": 1.0, "volume_ratio": 20.0},
            0.65,
            "REDUCE_75%",
        ),
        (
            {"oi_change_pct": -0.3, "onchain_whale_pressure": 1.0, "volume_ratio": 20.0}
            | {"funding_rate": 0.02},
            0.85,
            "EXIT",
        ),
    ],
)
def test_the_brake_follows_the_indicators(
    indicators: dict[str, float], score: float, brake: str
) -> None:
    assert cascade_score(CALM | indicators) == pytest.approx(score)
    assert brake_of(CALM | indicators) == brake
