"""Held positions belong to those who owned them, so that a strategy meets its own limit."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.params import EngineParams, LimitParams
from app.core.types import Action, TradingState
from tests.contract.engine import Answer, Engine
from tests.contract.requests import SHORTS, request, signal

BIG = 0.02
NAMES = [f"S{place}" for place in range(5)]
PRICES = dict.fromkeys(NAMES, 100.0)


def owners(answer: Answer, symbol: str) -> dict[str | None, float]:
    """USD by strategy on one symbol."""
    found = next(p for p in answer["positions"] if p["symbol"] == symbol)
    return {part["strategy_id"]: part["final_usd"] for part in found["contributions"]}


def held_of(answer: Answer) -> dict[str, float]:
    """Targets of an answer as the positions of the next request."""
    return {p["symbol"]: p["target_quantity"] for p in answer["positions"] if p["target_usd"]}


def post_one_by_one(engine: Engine, *, bets: dict[str, str], **changed: Any) -> Answer:
    """Post a signal a symbol, each on top of what came out before."""
    held: dict[str, float] = {}
    for symbol, strategy in bets.items():
        one = signal(symbol, expected_return=BIG, strategy_id=strategy)
        answer = engine.allocate(request(one, prices=PRICES, positions=held, **changed))
        held = held_of(answer)
    return answer


def test_five_posts_of_one_symbol_each_meet_the_limit_of_their_strategy() -> None:
    answer = post_one_by_one(Engine(), bets=dict.fromkeys(NAMES, "mean"))
    assert answer["total_allocated_usd"] == pytest.approx(40_000.0)
    assert [answer["allocations"].get(name, 0.0) for name in NAMES] == pytest.approx(
        [15_000.0, 15_000.0, 10_000.0, 0.0, 0.0]
    )
    # posted by as many strategies, the gross limit alone holds
    apart = post_one_by_one(Engine(), bets={name: f"of {name}" for name in NAMES})
    assert apart["total_allocated_usd"] == pytest.approx(75_000.0)


def test_an_answer_names_the_owners_that_sent_nothing() -> None:
    engine = Engine()
    answer = post_one_by_one(engine, bets={"S0": "mean", "S1": "trend"})
    entry = next(p for p in answer["positions"] if p["symbol"] == "S0")
    assert entry["contributions"] == [
        {
            "strategy_id": "mean",
            "final_usd": 15_000.0,
            "stages": {
                "kelly_usd": 0.0,
                "conformal_usd": 0.0,
                "sentiment_usd": 0.0,
                "regime_usd": 0.0,
                "cascade_usd": 0.0,
                "portfolio_usd": 15_000.0,
                "rl_usd": 15_000.0,
                "final_usd": 15_000.0,
            },
        }
    ]
    assert answer["strategy_weights"] == {"mean": 0.5, "trend": 0.5}
    used = {
        row["identifier"]: row["used_usd"] for row in engine.service.showing.risk_budget()["limits"]
    }
    assert (used["mean"], used["trend"]) == (15_000.0, 15_000.0)


def test_hold_changes_no_owner_and_an_unknown_position_becomes_that_of_its_holds() -> None:
    engine = Engine()
    held = held_of(post_one_by_one(engine, bets={"S0": "mean"}))
    hold = signal("S0", Action.HOLD, strategy_id="trend")
    kept = engine.allocate(request(hold, prices=PRICES, positions=held))
    assert owners(kept, "S0") == {"trend": 0.0, "mean": 15_000.0}
    found = {**held, "S1": 10.0}
    holds = [signal("S1", Action.HOLD, strategy_id=name) for name in ("flow", "trend")]
    shared = engine.allocate(request(*holds, prices=PRICES, positions=found))
    assert owners(shared, "S1") == {"flow": 500.0, "trend": 500.0}
    after = engine.allocate(request(prices=PRICES, positions=found))
    assert owners(after, "S1") == {"flow": 500.0, "trend": 500.0}
    assert owners(after, "S0") == {"mean": 15_000.0}


def test_the_sides_of_a_symbol_have_owners_of_their_own() -> None:
    engine = Engine(SHORTS)
    for name, action in (("bull", Action.BUY), ("bear", Action.SELL)):
        one = signal("S0", action, strategy_id=name, expected_return=BIG)
        engine.allocate(request(one, prices=PRICES))
    for units, owner in ((30.0, "bull"), (-30.0, "bear")):
        answer = engine.allocate(request(prices=PRICES, positions={"S0": units}))
        assert owners(answer, "S0") == {owner: 100.0 * units}


def test_neither_a_dry_run_nor_what_if_changes_an_owner() -> None:
    engine = Engine()
    held = held_of(post_one_by_one(engine, bets={"S0": "mean"}))
    other = signal("S0", strategy_id="other")
    engine.allocate(request(other, prices=PRICES), dry_run=True)
    answer = engine.allocate(request(prices=PRICES, positions=held))
    assert owners(answer, "S0") == {"mean": 15_000.0}


def test_halted_positions_keep_their_owners_whatever_the_signals_say() -> None:
    engine = Engine()
    held = held_of(post_one_by_one(engine, bets={"S0": "mean"}))
    engine.trade(TradingState.HALTED)
    against = signal("S0", Action.SELL, strategy_id="mean")
    answer = engine.allocate(request(against, prices=PRICES, positions=held))
    entry = next(p for p in answer["positions"] if p["symbol"] == "S0")
    assert [part["final_usd"] for part in entry["contributions"]] == [0.0, 15_000.0]


def test_a_new_strategy_is_held_to_its_cap_by_what_it_sent_before() -> None:
    params = EngineParams(limits=LimitParams(new_strategy_pct=0.2))
    answer = post_one_by_one(Engine(params), bets={"S0": "mean", "S1": "mean", "S2": "trend"})
    assert answer["allocations"] == {
        "S0": pytest.approx(15_000.0),
        "S1": pytest.approx(5_000.0),
        "S2": pytest.approx(15_000.0),
    }


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from("abc")), min_size=1, max_size=9))
def test_no_sequence_of_posts_takes_a_strategy_over_its_limit(posts: list[tuple[str, str]]) -> None:
    engine = Engine(EngineParams(limits=LimitParams(max_strategy_pct=0.25)))
    held: dict[str, float] = {}
    for symbol, strategy in posts:
        one = signal(symbol, expected_return=BIG, strategy_id=strategy)
        answer = engine.allocate(request(one, prices=PRICES, positions=held))
        held = held_of(answer)
        gross: dict[str, float] = {}
        for position in answer["positions"]:
            parts = position["contributions"]
            total = sum(part["final_usd"] for part in parts)
            assert total == pytest.approx(position["target_usd"])
            for part in parts:
                name = part["strategy_id"]
                gross[name] = gross.get(name, 0.0) + abs(part["final_usd"])
        assert all(usd <= 25_000.0 + 0.1 for usd in gross.values())
