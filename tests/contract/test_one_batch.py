"""Single requests: what the predecessor got wrong, limits, cascades, rejected signals."""

from typing import Any

import pytest

from app.core.params import EngineParams
from app.core.types import Action
from tests.contract.engine import Answer
from tests.contract.requests import SHORTS, SLOW, UNCORRELATED, VALUE, ask, phase1_usd, signal
from tests.contract.strategies import CALM, CLOSING, HALVING, NOW, QUARTERING

MINUTE_NS = 60_000_000_000
BIG = 0.02


def parts(answer: Answer, symbol: str = "AAA") -> dict[str | None, float]:
    """Return USD by strategy on one symbol."""
    found = next(p for p in answer["positions"] if p["symbol"] == symbol)
    return {part["strategy_id"]: part["final_usd"] for part in found["contributions"]}


def test_a_sell_is_not_sized_as_a_long() -> None:
    assert ask(signal(action=Action.SELL))["allocations"] == {"AAA": 0.0}


def test_with_shorts_on_a_sell_mirrors_a_buy() -> None:
    long = ask(signal(), params=SHORTS)["allocations"]["AAA"]
    short = ask(signal(action=Action.SELL), params=SHORTS)["allocations"]["AAA"]
    assert long > 0.0
    assert short == -long


def test_a_hold_without_a_position_is_flat() -> None:
    assert ask(signal(action=Action.HOLD))["allocations"] == {"AAA": 0.0}


@pytest.mark.parametrize("count", [1, 5, 50])
def test_strategies_on_one_symbol_share_its_limit(count: int) -> None:
    crowd = (signal(strategy_id=f"s{place}", expected_return=BIG) for place in range(count))
    answer = ask(*crowd)
    assert answer["allocations"]["AAA"] == pytest.approx(0.15 * VALUE)
    assert sum(parts(answer).values()) == pytest.approx(0.15 * VALUE)
    assert all(usd == pytest.approx(0.15 * VALUE / count) for usd in parts(answer).values())


def test_one_strategy_on_many_symbols_keeps_its_limit() -> None:
    crowd = [signal(f"S{place}", expected_return=BIG) for place in range(8)]
    answer = ask(*crowd)
    assert answer["total_allocated_usd"] == pytest.approx(0.40 * VALUE)
    assert {"limit": "strategy", "id": "mean"}.items() <= answer["binding_limits"][-1].items()


def test_many_strategies_on_many_symbols_keep_the_portfolio_limit() -> None:
    crowd = [
        signal(f"S{place}", strategy_id=f"s{place}", expected_return=BIG) for place in range(12)
    ]
    answer = ask(*crowd, params=UNCORRELATED)
    assert answer["total_allocated_usd"] == pytest.approx(0.80 * VALUE)
    assert answer["utilization_pct"] == pytest.approx(80.0)


def test_a_smaller_sell_offsets_a_buy() -> None:
    buy = signal()
    sell = signal(action=Action.SELL, strategy_id="trend", expected_return=0.0005)
    for params in (EngineParams(), SHORTS):
        answer = ask(buy, sell, params=params)
        expected = phase1_usd(buy) * (1.0 - phase1_usd(sell) / phase1_usd(buy))
        assert answer["allocations"]["AAA"] == pytest.approx(expected)
        assert parts(answer) == {"mean": pytest.approx(expected), "trend": 0.0}


def test_a_larger_sell_is_flat_with_shorts_off_and_short_with_shorts_on() -> None:
    buy = signal(expected_return=0.0005)
    sell = signal(action=Action.SELL, strategy_id="trend")
    assert ask(buy, sell)["allocations"] == {"AAA": 0.0}
    short = ask(buy, sell, params=SHORTS)
    assert short["allocations"]["AAA"] == pytest.approx(phase1_usd(buy) - phase1_usd(sell))
    assert parts(short)["mean"] == 0.0


def test_strong_sizes_like_plain() -> None:
    assert (
        ask(signal(action=Action.STRONG_BUY))["allocations"]
        == ask(signal(action=Action.BUY))["allocations"]
    )


def test_a_negative_expected_return_sizes_zero_with_a_warning() -> None:
    answer = ask(signal(expected_return=-0.001))
    assert answer["allocations"] == {"AAA": 0.0}
    assert any("negative" in warning for warning in answer["warnings"])


@pytest.mark.parametrize("missing", ["expected_return", "predicted_volatility"])
def test_a_missing_claim_is_told_in_a_warning(missing: str) -> None:
    claims: dict[str, Any] = {missing: None}
    answer = ask(signal(**claims))
    assert any(missing in warning for warning in answer["warnings"])


@pytest.mark.parametrize(("cascade", "a"), [(CALM, 1.0), (HALVING, 0.5), (QUARTERING, 0.25)])
@pytest.mark.parametrize("edge", [0.001, BIG])
def test_a_cascade_scales_sizes_and_limits(cascade: Any, a: float, edge: float) -> None:
    crowd = [
        signal(f"S{place}", strategy_id=f"s{place % 3}", expected_return=edge)
        for place in range(12)
    ]
    calm, now = ask(*crowd), ask(*crowd, cascade=cascade)
    for symbol, usd in calm["allocations"].items():
        assert now["allocations"][symbol] == pytest.approx(a * usd)


@pytest.mark.parametrize("params", [EngineParams(), SHORTS, SLOW])
def test_exit_closes_everything_held_or_signalled(params: EngineParams) -> None:
    answer = ask(
        signal(),
        signal("BBB", Action.HOLD),
        signal("CCC", Action.SELL),
        params=params,
        cascade=CLOSING,
        positions={"AAA": 100.0, "BBB": 50.0, "CCC": -20.0, "DDD": 10.0},
        prices=dict.fromkeys(("AAA", "BBB", "CCC", "DDD"), 100.0),
    )
    assert answer["allocations"] == dict.fromkeys(("AAA", "BBB", "CCC", "DDD"), 0.0)
    assert {p["symbol"]: p["trade_usd"] for p in answer["positions"]} == {
        "AAA": -10_000.0,
        "BBB": -5_000.0,
        "CCC": 2_000.0,
        "DDD": -1_000.0,
    }


@pytest.mark.parametrize(("cascade", "cap"), [(CALM, 15e3), (HALVING, 7.5e3), (QUARTERING, 3750.0)])
def test_a_held_position_is_cut_to_the_limit(cascade: Any, cap: float) -> None:
    answer = ask(cascade=cascade, positions={"AAA": 200.0})
    assert answer["allocations"]["AAA"] == pytest.approx(cap)
    assert answer["positions"][0]["contributions"] == []


def test_signals_that_cannot_be_sized_are_rejected_and_the_rest_is_sized() -> None:
    answer = ask(
        signal("NOPRICE"),
        signal(),
        signal("BBB", timestamp_ns=NOW + MINUTE_NS + 1),
        signal("BBB", timestamp_ns=NOW + MINUTE_NS, strategy_id="trend"),
        prices={"AAA": 100.0, "BBB": 100.0},
        stamps_until_ns=NOW + MINUTE_NS,
    )
    assert [(e["index"], e["symbol"]) for e in answer["rejected_signals"]] == [
        (0, "NOPRICE"),
        (2, "BBB"),
    ]
    assert answer["allocations"]["AAA"] > 0.0
    assert [*parts(answer, "BBB")] == ["trend"]


def test_age_never_refuses_a_signal() -> None:
    assert ask(signal(timestamp_ns=0))["allocations"] == ask(signal())["allocations"]


def test_a_batch_of_rejected_signals_only_keeps_the_held_positions() -> None:
    answer = ask(signal("NOPRICE"), positions={"AAA": 10.0}, prices={"AAA": 100.0})
    assert answer["allocations"] == {"AAA": 1_000.0}
    assert len(answer["rejected_signals"]) == 1


def bound(answer: Answer) -> dict[tuple[str, str], Any]:
    """Return limit and request in USD of what bound, by level and name."""
    return {
        (hit["limit"], hit["id"]): (hit["limit_usd"], hit["requested_usd"])
        for hit in answer["binding_limits"]
    }


@pytest.mark.parametrize(("cascade", "a"), [(CALM, 1.0), (HALVING, 0.5)])
def test_binding_limits_say_what_was_asked_and_what_was_given(cascade: Any, a: float) -> None:
    asked = a * phase1_usd(signal(expected_return=0.005))
    one = ask(signal(expected_return=0.005), cascade=cascade)
    assert bound(one) == {("position", "AAA"): (pytest.approx(a * 15_000.0), pytest.approx(asked))}
    crowd = [signal(f"S{place}", expected_return=0.005) for place in range(8)]
    assert bound(ask(*crowd, cascade=cascade))["strategy", "mean"] == (
        pytest.approx(a * 40_000.0),
        pytest.approx(8.0 * asked),
    )


def test_a_cut_held_position_is_among_the_binding_limits() -> None:
    assert bound(ask(positions={"AAA": 200.0})) == {("position", "AAA"): (15_000.0, 20_000.0)}


def test_nothing_binds_where_nothing_was_cut() -> None:
    answer = ask(signal(), signal("BBB", strategy_id="trend"))
    assert answer["binding_limits"] == []
    penalties = answer["correlation_penalties"]
    assert penalties == {"AAA": pytest.approx(1 / 1.5), "BBB": pytest.approx(1 / 1.5)}
