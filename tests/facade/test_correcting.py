"""Corrections of what an instance has learnt."""

from typing import Any

import pytest

from app.core.errors import UnknownSymbol
from app.facade import Layer3Phase3Hybrid
from tests.facade.guide import decide


def test_a_price_is_accepted_and_its_past_divided_and_forgotten() -> None:
    with Layer3Phase3Hybrid() as hybrid:
        decide(hybrid, "BTC-USD")
        assert hybrid.accept("BTC-USD", 50_000, "checked with the exchange") == {
            "symbol": "BTC-USD",
            "price": 50_000.0,
            "was": 43_500.0,
        }
        assert hybrid.split("BTC-USD", 10, "10 for 1")["bars"] == 0
        assert hybrid.get_state()["market"]["BTC-USD"]["last_price"] == 5_000.0
        assert hybrid.forget("BTC-USD", "relisted") == {"symbol": "BTC-USD", "bars": 0}
        assert "BTC-USD" not in hybrid.get_state()["market"]


def test_an_outcome_that_was_withdrawn_may_be_recorded_once_more() -> None:
    with Layer3Phase3Hybrid(enable_rl=True, use_mock_rl=True, mock_seed=3) as hybrid:
        answer = decide(hybrid, "BTC-USD")
        pair = (answer.decision_id, "BTC-USD")
        hybrid.record_outcome("BTC-USD", 0.01, decision_id=answer.decision_id)
        assert hybrid.withdraw([pair, ("none", "BTC-USD")], "wrong sign") == {
            "withdrawn": 1,
            "unknown": 1,
        }
        again = hybrid.record_outcome("BTC-USD", -0.01, decision_id=answer.decision_id)
        assert again["accepted"] == 1


def test_a_symbol_of_which_nothing_is_known_is_refused() -> None:
    with Layer3Phase3Hybrid() as hybrid, pytest.raises(UnknownSymbol):
        hybrid.accept("BTC-USD", 1.0, "why")


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("accept", ("BTC-USD", 0, "why"), "price must be > 0, was 0"),
        ("accept", ("", 1.0, "why"), "symbol must be a text that is not empty"),
        ("split", ("BTC-USD", -2, "why"), "ratio must be >= 0, was -2"),
        ("forget", ("BTC-USD", "  "), "reason must be a text of 1 to 500"),
        ("withdraw", ([("", "A")], "why"), r"outcomes\.0\.decision_id must be a text"),
    ],
)
def test_a_field_out_of_range_is_refused_by_name(
    name: str, arguments: tuple[Any, ...], sentence: str
) -> None:
    with Layer3Phase3Hybrid() as hybrid, pytest.raises(ValueError, match=sentence):
        getattr(hybrid, name)(*arguments)
