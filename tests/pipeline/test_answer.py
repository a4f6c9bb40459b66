"""A finished decision in the words of the wire, and what is learnt from it."""

from typing import Any

import pytest

from app.core.decision.conclude import conclude
from app.core.types import Signal
from app.pipeline.answer import compose, owned_positions
from tests.core.decision.batches import (
    ACTIVE,
    EXIT,
    HALTED,
    NO_POLICY,
    PARAMS,
    Desk,
    hold,
    owned_position,
    wish,
)

SIGNALS = (
    wish("one", "A", 0.1),
    wish("two", "A", 0.07),
    wish("two", "B", -0.03),
    hold("one", "C"),
    wish("one", "D", 0.05),
    wish("two", "D", -0.05),
)
HELD = {"A": 0.03, "C": -0.04, "Z": 0.05}


def reduced(position: dict[str, Any]) -> dict[str, Any]:
    """Leave of a position of an answer what owners are learnt from."""
    return {
        "symbol": position["symbol"],
        "target_usd": position["target_usd"],
        "contributions": [
            {"strategy_id": part["strategy_id"], "final_usd": part["final_usd"]}
            for part in position["contributions"]
        ],
    }


@pytest.mark.parametrize("status", [ACTIVE, HALTED])
@pytest.mark.parametrize("signals", [SIGNALS, SIGNALS[:3], ()])
@pytest.mark.parametrize("changes", [{}, {"cascade": EXIT}, {"portfolio_value": 1.7e308}])
def test_what_owners_are_learnt_from_are_the_positions_of_the_answer(
    status: Any, signals: tuple[Signal, ...], changes: dict[str, Any]
) -> None:
    desk = Desk(PARAMS, status)
    desk.beliefs.owners.learn([owned_position("Z", 3.0, one=1.0, silent=2.0)])
    concluded = conclude(desk.draft(*signals, held=HELD, **changes), NO_POLICY, desk.beliefs)
    expected = [reduced(position) for position in compose(concluded)["positions"]]
    assert owned_positions(concluded) == expected


def test_a_position_that_is_set_apart_teaches_no_owner() -> None:
    desk = Desk()
    drafted = desk.draft(SIGNALS[0], positions={"Y": 1.0}, prices={"A": 100.0})
    concluded = conclude(drafted, NO_POLICY, desk.beliefs)
    assert [position["symbol"] for position in owned_positions(concluded)] == ["A"]
