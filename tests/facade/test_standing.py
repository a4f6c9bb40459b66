"""Standing signals in process: off unless asked for."""

import time

import pytest

from app.facade import HybridAllocation, Layer3Phase3Hybrid
from tests.facade.guide import CALM, PRICES, decide, metric, signal


def post(hybrid: Layer3Phase3Hybrid, symbol: str, strategy_id: str) -> HybridAllocation:
    """Return the decision about one signal of this moment."""
    one = signal(symbol, strategy_id, timestamp_ns=time.time_ns())
    return hybrid.process_signals([one], cascade_indicators=CALM, current_prices=PRICES)


def test_an_instance_keeps_no_signal_by_itself() -> None:
    with Layer3Phase3Hybrid(enable_metrics=False) as hybrid:
        decide(hybrid, "BTC-USD")
        assert set(decide(hybrid, "ETH-USD").allocations) == {"ETH-USD"}


def test_with_standing_signals_layers_are_sized_together() -> None:
    with Layer3Phase3Hybrid(signals={"standing": True}) as hybrid:
        post(hybrid, "BTC-USD", "trend")
        answer = post(hybrid, "ETH-USD", "carry")
        assert set(answer.allocations) == {"BTC-USD", "ETH-USD"}
        assert set(answer.strategy_weights) == {"carry", "trend"}
        assert metric("himari_l3_standing_signals") == 2.0


@pytest.mark.parametrize("value", [-1.0, float("nan"), "60"])
def test_a_time_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="valid_for_sec must"):
        signal(valid_for_sec=value)  # type: ignore[arg-type]


def test_a_signal_of_no_time_at_all_is_sized_once() -> None:
    with Layer3Phase3Hybrid(signals={"standing": True}, enable_metrics=False) as hybrid:
        once = signal("BTC-USD", timestamp_ns=time.time_ns(), valid_for_sec=0)
        assert hybrid.process_signals([once], CALM, PRICES).allocations["BTC-USD"] > 0.0
        assert set(post(hybrid, "ETH-USD", "carry").allocations) == {"ETH-USD"}
