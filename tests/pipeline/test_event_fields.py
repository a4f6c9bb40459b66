"""Fields of events: a known set for each kind, and one meaning for each that is absent."""

from dataclasses import replace
from typing import Any

import pytest

from app.core.params import BrakeParams, EngineParams, LimitParams
from app.core.types import PolicyAnswer, Prediction
from app.pipeline import events
from app.pipeline.event_fields import KINDS, UnknownField, complete_event, complete_params
from tests.pipeline.builders import batch_of


def decision() -> dict[str, Any]:
    prediction = Prediction(0.1, 0.9, 0.01, 0.02, "m1")
    policy = events.answer_to_json(PolicyAnswer((prediction, None)))
    data: dict[str, Any] = {"batch": events.batch_to_json(batch_of(0)), "batch_seq": None}
    data |= {"state_version": 1, "policy": policy, "trace": [], "rl_symbols": [], "answer": {}}
    decoded: dict[str, Any] = events.decode(events.encode(data))
    return decoded


def test_absent_ids_and_marks_mean_that_there_were_none() -> None:
    whole = complete_event(events.BREAKER, {"circuit": {}, "reason": "r"})
    assert whole == {
        "circuit": {},
        "reason": "r",
        "taken": None,
        "request_id": None,
        "decision_id": None,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_refuses_an_empty_payload(kind: str) -> None:
    with pytest.raises(UnknownField, match="lacks"):
        complete_event(kind, {})


def test_a_decision_is_known_down_to_signals_and_predictions() -> None:
    assert complete_event(events.DECISION, decision())["batch"] == decision()["batch"]
    more: list[tuple[Any, str]] = []
    for path in (("batch",), ("batch", "signals", 0), ("batch", "cascade"), ("policy",)):
        changed = decision()
        found: Any = changed
        for step in path:
            found = found[step]
        found["tomorrow"] = 1
        more.append((changed, ".".join(str(step) for step in path if step != 0)))
    for changed, where in more:
        with pytest.raises(UnknownField, match=f"has `{where}.tomorrow`"):
            complete_event(events.DECISION, changed)
    changed = decision()
    changed["policy"]["predictions"][0]["tomorrow"] = 1
    with pytest.raises(UnknownField, match=r"has `policy\.predictions\.tomorrow`"):
        complete_event(events.DECISION, changed)


def test_an_absent_parameter_means_what_held_then_and_never_the_default() -> None:
    params = EngineParams().to_json()
    default = params["brakes"].pop("drawdown_multiplier")
    with pytest.raises(UnknownField, match=r"lacks `params\.brakes\.drawdown_multiplier`"):
        complete_params(params)
    whole = complete_params(params, absent={"brakes.drawdown_multiplier": default + 1.0})
    assert whole["brakes"]["drawdown_multiplier"] == default + 1.0


def test_a_parameter_that_is_gone_is_dropped_and_one_in_no_table_is_refused() -> None:
    params = EngineParams().to_json()
    params["kelly"]["of_old"] = 1.0
    with pytest.raises(UnknownField, match=r"kelly\.of_old"):
        complete_params(params)
    assert complete_params(params, gone=frozenset({"kelly.of_old"})) == EngineParams().to_json()


def test_parameters_that_hold_tables_come_back_whole() -> None:
    limits = LimitParams(groups={"l1": ("BTC-USD", "ETH-USD")}, symbol_caps={"BTC-USD": 0.1})
    params = replace(EngineParams(), limits=limits, brakes=BrakeParams(collapse_below=0.5))
    stored = events.decode(events.encode(params.to_json()))
    assert EngineParams.from_json(complete_params(stored)) == params


@pytest.mark.parametrize("payload", [b"{}", b'{"a":1}'])
def test_a_payload_begins_with_the_ids_that_are_known(payload: bytes) -> None:
    def given() -> bytes:
        return payload

    assert events.with_ids(given, None, None) is given
    both = events.decode(events.with_ids(given, "r", "d")())
    assert both == {"request_id": "r", "decision_id": "d"} | events.decode(payload)
    assert events.decode(events.with_ids(given, None, "d")()).keys() == (
        {"decision_id"} | events.decode(payload).keys()
    )
