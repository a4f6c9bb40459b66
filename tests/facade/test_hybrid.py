"""The guide's hybrid in process: its snippets and its answers."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from app.facade import (
    ColabProCircuitBreaker,
    HybridAllocation,
    Layer3Phase3Hybrid,
    TacticalSignal,
    TransformerRLClient,
)
from tests.client.series import Series
from tests.facade.guide import CALM, DEAD_ENDPOINT, PRICES, decide, metric, signal
from tests.guide_server import GuideServer, guide_server


@pytest.fixture
def server() -> Iterator[GuideServer]:
    with guide_server() as running:
        yield running


# -- the guide -----------------------------------------------------------------------------------


def test_the_three_modes_of_the_guide_have_their_names() -> None:
    with Layer3Phase3Hybrid(portfolio_value=100000, enable_rl=False, enable_metrics=True) as hybrid:
        assert hybrid.mode == "fallback"
    with Layer3Phase3Hybrid(
        portfolio_value=100000, enable_rl=True, use_mock_rl=True, enable_metrics=True
    ) as hybrid:
        assert hybrid.mode == "mock"
    with Layer3Phase3Hybrid(
        portfolio_value=100000,
        enable_rl=True,
        rl_endpoint="http://your-colab-endpoint:8888/predict",
        rl_timeout_sec=5.0,
        enable_metrics=True,
    ) as hybrid:
        assert hybrid.mode == "real"
    with Layer3Phase3Hybrid(use_mock_rl=True) as hybrid:
        assert hybrid.mode == "fallback"


def test_the_guides_breaker_goes_into_the_guides_client_and_that_into_the_hybrid() -> None:
    cb = ColabProCircuitBreaker(
        failure_threshold=5,
        initial_timeout_sec=30,
        max_timeout_sec=300,
        backoff_multiplier=2.0,
        enable_metrics=True,
    )
    client = TransformerRLClient(endpoint_url=DEAD_ENDPOINT, circuit_breaker=cb)
    with Layer3Phase3Hybrid(enable_rl=True, rl_client=client) as hybrid:
        assert hybrid.rl_client.circuit_breaker is cb
        assert decide(hybrid).fallback_reason == "connection_error"
        assert cb.get_state()["total_failures"] == 1
    client.stop()


def test_the_guides_performance_comparison_prints_its_numbers() -> None:
    with Layer3Phase3Hybrid(enable_rl=True, use_mock_rl=True) as hybrid:
        hybrid.record_outcome("BTC-USD", 0.05, used_rl=True)
        hybrid.record_outcome("BTC-USD", 0.03, used_rl=False)
        perf = hybrid.get_performance_comparison()
        assert f"RL Mean Return: {perf['rl']['mean_return']:.2%}" == "RL Mean Return: 5.00%"
        assert f"Baseline Mean: {perf['baseline']['mean_return']:.2%}" == "Baseline Mean: 3.00%"
        assert f"RL Advantage: {perf['rl_advantage']:.2%}" == "RL Advantage: 2.00%"


@pytest.mark.parametrize(
    "mode", [{}, {"enable_rl": True, "use_mock_rl": True}, {"enable_rl": True}]
)
def test_the_guides_troubleshooting_works_in_every_mode(mode: dict[str, Any]) -> None:
    with Layer3Phase3Hybrid(rl_timeout_sec=10.0, rl_endpoint=DEAD_ENDPOINT, **mode) as hybrid:
        hybrid.rl_client.circuit_breaker.reset()
        assert hybrid.rl_client.circuit_breaker.get_state()["state"] == "closed"
        assert hybrid.rl_client.get_state()["circuit_breaker"]["state"] == "closed"
        assert callable(hybrid.rl_client.predict)


def test_every_constructor_argument_has_a_default() -> None:
    ColabProCircuitBreaker()
    TransformerRLClient().stop()
    Layer3Phase3Hybrid().stop()


# -- deciding ------------------------------------------------------------------------------------


def test_the_answer_has_the_wires_fields_as_attributes_and_as_a_dict() -> None:
    with Layer3Phase3Hybrid() as hybrid:
        answer = decide(hybrid)
    assert set(answer.allocations) == set(PRICES)
    assert answer.total_allocated_usd == pytest.approx(sum(answer.allocations.values()))
    assert answer.utilization_pct == pytest.approx(answer.total_allocated_usd / 1000.0)
    assert answer.strategy == "fallback"
    assert answer.fallback_reason == "rl_disabled"
    assert answer.baseline_allocations == answer.allocations
    assert answer.positions[0]["symbol"] == "BTC-USD"
    assert json.loads(json.dumps(answer.to_dict())) == answer.to_dict()
    for name in HybridAllocation.__annotations__:
        assert getattr(answer, name) == answer.to_dict()[name]
    assert not hasattr(answer, "nonsense")
    assert "BTC-USD" in repr(answer)
    answer.to_dict()["allocations"].clear()
    assert answer.allocations


def test_sync_and_async_give_the_same_allocation_over_several_event_loops() -> None:
    with Layer3Phase3Hybrid(enable_rl=True, use_mock_rl=True, mock_seed=3) as hybrid:
        expected = decide(hybrid).allocations

        async def decided() -> HybridAllocation:
            return await hybrid.process_signals_async(
                signals=[signal("BTC-USD"), signal("ETH-USD")],
                cascade_indicators=CALM,
                current_prices=PRICES,
            )

        for _ in range(3):
            assert asyncio.run(decided()).allocations == expected


async def test_the_blocking_call_works_inside_a_running_event_loop() -> None:
    with Layer3Phase3Hybrid(enable_rl=True, use_mock_rl=True) as hybrid:
        assert decide(hybrid).allocations


def test_fallback_without_a_database_needs_no_thread() -> None:
    before = threading.active_count()
    with Layer3Phase3Hybrid() as hybrid:
        decide(hybrid)
        asyncio.run(hybrid.process_signals_async([signal()], CALM, PRICES))
        assert threading.active_count() == before


def test_a_real_endpoint_of_the_guides_shape_moves_the_allocation(server: GuideServer) -> None:
    with Layer3Phase3Hybrid(enable_rl=True, rl_endpoint=server.endpoint) as hybrid:
        answer = decide(hybrid, "BTC-USD")
        state = hybrid.get_state()
    assert answer.strategy == "rl"
    assert answer.model_version == "v1.0"
    target = 0.8 * 5_000.0 + 0.2 * answer.baseline_allocations["BTC-USD"]
    assert answer.allocations["BTC-USD"] == pytest.approx(target)
    assert server.asked[0]["symbol"] == "BTC-USD"
    assert state["rl_decisions"] == 1
    assert state["rl_usage_rate"] == 1.0
    assert state["rl_client"]["successful_predictions"] == 1


def test_a_dead_endpoint_opens_the_circuit_and_a_reset_closes_it() -> None:
    with Layer3Phase3Hybrid(
        enable_rl=True, rl_endpoint=DEAD_ENDPOINT, rl_timeout_sec=2.0
    ) as hybrid:
        reasons = [decide(hybrid, "BTC-USD").fallback_reason for _ in range(6)]
        assert reasons == ["connection_error"] * 5 + ["circuit_open"]
        assert decide(hybrid, "BTC-USD").circuit_state == "open"
        hybrid.rl_client.circuit_breaker.reset()
        assert decide(hybrid, "BTC-USD").fallback_reason == "connection_error"
        state = hybrid.get_state()
        assert state["fallback_decisions"] == state["total_decisions"] == 8
        assert state["rl_usage_rate"] == 0.0
        assert state["rl_client"]["circuit_breaker"]["total_fallbacks"] == 8


def test_an_empty_batch_is_an_empty_allocation_a_warning_and_a_counted_fallback() -> None:
    with Layer3Phase3Hybrid() as hybrid, capture_logs() as logs:
        counted = metric("himari_l3_position_decisions_total", strategy_id="fallback")
        answer = hybrid.process_signals([], CALM, {})
        assert answer.allocations == {}
        assert answer.total_allocated_usd == 0.0
        assert answer.fallback_reason == "empty_batch"
        assert hybrid.get_state()["fallback_decisions"] == 1
        after = metric("himari_l3_position_decisions_total", strategy_id="fallback")
    assert after == counted + 1
    assert [entry["log_level"] for entry in logs] == ["warning"]


def test_held_positions_and_another_portfolio_value_reach_the_engine() -> None:
    with Layer3Phase3Hybrid() as hybrid:
        answer = hybrid.process_signals(
            [signal("BTC-USD")],
            CALM,
            PRICES,
            current_positions={"ETH-USD": 2.0},
            portfolio_value=50_000,
        )
        assert answer.allocations["ETH-USD"] == 4_500.0
        assert answer.portfolio_value == 50_000.0


@pytest.mark.parametrize("prices", [{}, {"SOL-USD": 0}, {"SOL-USD": None}, {"SOL-USD": np.nan}])
def test_a_held_position_without_a_price_is_set_apart_with_none_in_its_attributes(
    prices: dict[str, Any],
) -> None:
    with Layer3Phase3Hybrid() as hybrid:
        answer = hybrid.process_signals(
            [signal()], CALM, PRICES | prices, current_positions={"SOL-USD": 1.5}
        )
        (apart,) = [position for position in answer.positions if position["set_apart"]]
        assert apart["symbol"] == "SOL-USD"
        assert [apart[name] for name in ("target_usd", "weight", "trade_usd", "price")] == [
            None
        ] * 4
        assert (apart["target_quantity"], apart["trade_quantity"]) == (1.5, 0.0)
        assert set(answer.allocations) == {"BTC-USD"}
        assert "set_apart" in {notice["what"] for notice in answer.notices}


def test_mappings_of_the_wires_fields_are_signals_and_indicators_too() -> None:
    with Layer3Phase3Hybrid() as hybrid:
        given = asdict(signal())
        answer = hybrid.process_signals([given], {"funding_rate": 0.001}, PRICES)
        assert answer.allocations == decide(hybrid, "BTC-USD").allocations
        assert len(answer.warnings) == 4


def test_settings_of_the_engine_are_keyword_arguments() -> None:
    with Layer3Phase3Hybrid(max_position_pct=0.02, max_portfolio_pct=0.03) as hybrid:
        answer = decide(hybrid)
        assert max(answer.allocations.values()) <= 2_000.0 + 0.1
        assert answer.total_allocated_usd <= 3_000.0 + 0.1
    with Layer3Phase3Hybrid(allow_short=True) as hybrid:
        short = TacticalSignal("m", "BTC-USD", "SELL", 0.9, 0.1, "RANGING", None, 0.02, 0.2)
        assert hybrid.process_signals([short], CALM, PRICES).allocations["BTC-USD"] < 0.0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"portfolio_value": 0}, "portfolio_value must be greater than 0, was 0"),
        ({"kelly_fraction": 1.5}, "kelly_fraction must be less than or equal to 1, was 1.5"),
        ({"max_position_pct": -1}, "max_position_pct must be greater than 0, was -1"),
        ({"rl_timeout_sec": 0}, "rl_timeout_sec must be greater than 0, was 0"),
        ({"rebalance_span": 0.5}, "rebalance_span must be 0"),
        (
            {"rebalance_span": 10, "rebalance_half_life_sec": 60},
            "rebalance_half_life_sec stands for rebalance_span: set one of them to 0",
        ),
        ({"rl_endpoint": "nowhere"}, "rl_endpoint must be an http"),
        ({"database_url": "mysql://x"}, "database_url must start with sqlite"),
    ],
)
def test_an_unusable_argument_is_refused_by_name(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Layer3Phase3Hybrid(**arguments)


def test_numbers_of_numpy_and_decimals_are_arguments_as_the_floats_they_are() -> None:
    given: dict[str, Any] = {
        "portfolio_value": Decimal("50000.5"),
        "kelly_fraction": np.float32(0.25),
        "rebalance_span": Decimal(10),
    }
    with Layer3Phase3Hybrid(**given) as hybrid:
        assert hybrid.service.params.portfolio_value == 50_000.5
        assert decide(hybrid).portfolio_value == 50_000.5


def test_series_and_decimals_are_prices_positions_and_signals() -> None:
    with Layer3Phase3Hybrid() as hybrid:
        expected = decide(hybrid, "BTC-USD").allocations
        prices = Series({symbol: Decimal(price) for symbol, price in PRICES.items()})
        answer = hybrid.process_signals(
            [Series(asdict(signal()))],  # type: ignore[list-item]
            CALM,
            prices,  # type: ignore[arg-type]
            current_positions=Series({}),  # type: ignore[arg-type]
        )
        assert answer.allocations == expected


def test_an_unknown_argument_is_refused_with_the_nearest() -> None:
    with pytest.raises(TypeError, match=r"max_positon_pct .* nearest is max_position_pct"):
        Layer3Phase3Hybrid(max_positon_pct=0.1)


def test_the_environment_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIMARI_PORTFOLIO_VALUE", "1")
    with Layer3Phase3Hybrid() as hybrid:
        assert decide(hybrid).portfolio_value == 100_000.0


# -- outcomes ------------------------------------------------------------------------------------


def test_outcomes_of_a_decision_count_once_for_each_symbol() -> None:
    with Layer3Phase3Hybrid(enable_rl=True, use_mock_rl=True) as hybrid:
        answer = decide(hybrid)
        first = hybrid.record_outcome("BTC-USD", 0.03, decision_id=answer.decision_id)
        again = hybrid.record_outcome("BTC-USD", 0.03, decision_id=answer.decision_id)
        assert answer.strategy == "rl"
        assert (first["accepted"], again["duplicates"]) == (1, 1)
        assert hybrid.get_performance_comparison()["paired"]["n"] == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"used_rl": None}, "used_rl must be given where decision_id is not"),
        ({"realized_return": float("nan"), "used_rl": True}, "realized_return must be finite"),
        ({"realized_return": -1.5, "used_rl": True}, "realized_return must be >= -1, was -1.5"),
        ({"symbol": "", "used_rl": True}, "symbol must be a text that is not empty"),
        ({"decision_id": "unknown"}, "no decision 'unknown' is journalled"),
    ],
)
def test_an_unusable_outcome_is_refused_by_name(arguments: dict[str, Any], sentence: str) -> None:
    outcome = {"symbol": "BTC-USD", "realized_return": 0.01, **arguments}
    with Layer3Phase3Hybrid() as hybrid, pytest.raises(ValueError, match=sentence):
        hybrid.record_outcome(**outcome)
