"""Promises 4 and 5: the order says nothing, and the same again gives the same."""

import json
import math
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
from hypothesis import given

from app.core.types import Batch, PolicyInput, Prediction
from tests.contract.engine import Answer, Engine, deterministic
from tests.contract.strategies import Case, cases, teach
from tests.fakes import FakePolicyClient


def by_content(case: Case) -> FakePolicyClient:
    """Reply by what a row says, so that the reply follows the row to another place."""
    replies = case.replies or (None,)

    async def script(inputs: Any) -> tuple[Prediction | None, ...]:
        return tuple(replies[_content(row) % len(replies)] for row in inputs)

    return FakePolicyClient(script=script)


def _content(row: PolicyInput) -> int:
    text = f"{row.symbol}{row.action}{row.confidence!r}{row.risk_score!r}{row.baseline_pct!r}"
    return sum(text.encode())


def decide(case: Case, batch: Batch) -> Answer:
    engine = Engine(case.params, None if case.replies is None else by_content(case))
    teach(engine, case.past)
    engine.trade(case.state)
    return deterministic(engine.allocate(batch))


@given(case=cases(), data=st.data())
def test_the_order_of_signals_prices_and_positions_changes_not_one_bit(
    case: Case, data: st.DataObject
) -> None:
    batch = case.batch
    order = data.draw(st.permutations(range(len(batch.signals))))
    shuffled = replace(
        batch,
        signals=tuple(batch.signals[place] for place in order),
        prices=dict(data.draw(st.permutations(list(batch.prices.items())))),
        positions=None
        if batch.positions is None
        else dict(data.draw(st.permutations(list(batch.positions.items())))),
    )
    one, other = decide(case, batch), decide(case, shuffled)
    index = {place: new for new, place in enumerate(order)}
    for entry in one["rejected_signals"]:
        entry["index"] = index[entry["index"]]
    for answer in (one, other):
        answer["rejected_signals"].sort(key=lambda entry: entry["index"])
    assert json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@given(case=cases())
def test_same_state_same_request_and_same_predictions_give_the_same_answer(case: Case) -> None:
    assert decide(case, case.batch) == decide(case, case.batch)


@given(case=cases())
def test_a_repeated_request_gets_the_same_allocation_from_the_same_service(case: Case) -> None:
    # with a half-life the time since the last decision is state, and the first one changes it
    trading = replace(case.params.trading, rebalance_half_life_sec=0.0)
    engine = replace(case, params=replace(case.params, trading=trading)).engine()
    first, second = engine.allocate(case.batch), engine.allocate(case.batch)
    assert first["allocations"] == second["allocations"]
    assert first["baseline_allocations"] == second["baseline_allocations"]
    assert first["decision_id"] != second["decision_id"]


@given(case=cases())
def test_a_dry_run_answers_alike_and_changes_nothing(case: Case) -> None:
    engine = case.engine()
    before, version = engine.beliefs(), engine.service.showing.state()["state_version"]
    circuit, counts = engine.service.operating.circuit(), dict(engine.service.showing.counts)
    rehearsed = deterministic(engine.allocate(case.batch, dry_run=True))
    assert engine.beliefs() == before
    assert engine.service.showing.state()["state_version"] == version
    assert engine.service.operating.circuit() == circuit
    assert engine.service.showing.counts == counts
    assert rehearsed == deterministic(engine.allocate(case.batch))


@given(case=cases())
def test_contributions_are_in_one_order_whatever_the_request(case: Case) -> None:
    answer = case.engine().allocate(case.batch)
    for position in answer["positions"]:
        owners = [p["strategy_id"] for p in position["contributions"] if p["strategy_id"]]
        assert owners == sorted(owners)
        assert position["set_apart"] or math.isfinite(position["target_usd"])
