"""``himari demo --guide``: the deployment guide's example, in process and with real numbers.

Two signals, mock RL, then one realised return for RL and one for Phase 2, as in the guide's
"Performance Comparison".
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.facade import (
    CascadeIndicators,
    Layer3Phase3Hybrid,
    MarketRegime,
    TacticalAction,
    TacticalSignal,
)

TITLE: Final = "HIMARI OPUS V2 - Phase 3 Hybrid Example (Mock RL)"
PRICES: Final = {"BTC-USD": 43_500.0, "ETH-USD": 2_250.0}


def run() -> int:
    """Print the guide's example output.

    Returns
    -------
    int
        0 when both signals were sized, else 1.
    """
    hybrid = Layer3Phase3Hybrid(portfolio_value=100_000, enable_rl=True, use_mock_rl=True)
    try:
        answer = hybrid.process_signals(
            signals=_signals(time.time_ns()),
            cascade_indicators=CascadeIndicators(
                funding_rate=0.001,
                oi_change_pct=0.05,
                volume_ratio=2.0,
                onchain_whale_pressure=0.30,
                exchange_netflow_zscore=0.5,
            ),
            current_prices=PRICES,
            market_data={},
        )
        hybrid.record_outcome("BTC-USD", 0.05, used_rl=True)
        hybrid.record_outcome("BTC-USD", 0.03, used_rl=False)
        print("\n".join(_lines(answer, hybrid.get_state(), hybrid.get_performance_comparison())))
    finally:
        hybrid.stop()
    sized = answer.allocations.keys() == PRICES.keys()
    print(
        "[SUCCESS] All Phase 3 examples completed!" if sized else "[FAILED] A signal was not sized."
    )
    return 0 if sized else 1


def _signals(now_ns: int) -> list[TacticalSignal]:
    return [
        TacticalSignal(
            strategy_id="momentum_btc",
            symbol="BTC-USD",
            action=TacticalAction.BUY,
            confidence=0.85,
            risk_score=0.25,
            regime=MarketRegime.TRENDING_UP,
            timestamp_ns=now_ns,
            expected_return=0.12,
            predicted_volatility=0.04,
        ),
        TacticalSignal(
            strategy_id="reversal_eth",
            symbol="ETH-USD",
            action=TacticalAction.BUY,
            confidence=0.70,
            risk_score=0.35,
            regime=MarketRegime.RANGING,
            timestamp_ns=now_ns,
            expected_return=0.08,
            predicted_volatility=0.05,
        ),
    ]


def _lines(answer: Any, state: Mapping[str, Any], performance: Mapping[str, Any]) -> Iterator[str]:
    client = state["rl_client"]
    total, successful = client["total_predictions"], client["successful_predictions"]
    yield TITLE
    yield "=" * 80
    for symbol, usd in sorted(answer.allocations.items()):
        yield f"{symbol}: ${usd:,.2f} (Phase 2: ${answer.baseline_allocations[symbol]:,.2f})"
    yield f"Total Allocated: ${answer.total_allocated_usd:,.2f}"
    yield f"Utilization: {answer.utilization_pct:.1f}%"
    yield ""
    yield "RL Statistics:"
    yield f"   Total Predictions: {total}"
    yield f"   Successful: {successful}"
    yield f"   Success Rate: {successful / total if total else 0.0:.0%}"
    yield ""
    yield "Hybrid Orchestrator Stats:"
    yield f"   Total Decisions: {state['total_decisions']}"
    yield f"   RL Decisions: {state['rl_decisions']}"
    yield f"   RL Usage Rate: {state['rl_usage_rate']:.0%}"
    yield ""
    yield "Performance Comparison (one outcome each, for illustration):"
    yield f"   RL Mean Return: {performance['rl']['mean_return']:.2%}"
    yield f"   Baseline Mean: {performance['baseline']['mean_return']:.2%}"
    yield f"   RL Advantage: {performance['rl_advantage']:.2%}"
    yield ""
