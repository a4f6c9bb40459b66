"""Symbols that look alike."""

import pytest

from app.core.lookalikes import find_lookalikes


@pytest.mark.parametrize("typo", ["btc-usd", "BTC-usd", "\u0412TC-USD", "BT\u0421-USD"])
def test_a_symbol_that_differs_by_case_or_look_alikes_is_found(typo: str) -> None:
    assert find_lookalikes([typo], ["ETH-USD", "BTC-USD"]) == [(typo, "BTC-USD")]


def test_a_zero_looks_like_an_o() -> None:
    assert find_lookalikes(["D0GE"], ["DOGE"]) == [("D0GE", "DOGE")]


@pytest.mark.parametrize("other", ["BTC-USD", "BTC-EUR", "BCT-USD", "BTCUSD"])
def test_the_same_symbol_and_other_ones_do_not_look_alike(other: str) -> None:
    assert find_lookalikes(["BTC-USD"], [other]) == []
