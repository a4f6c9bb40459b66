"""A decision for telemetry to count, and the value of a series."""

from typing import Any

from prometheus_client import REGISTRY

from app.pipeline.answer import DecisionDetails, DecisionView


def sample(name: str, **labels: str) -> float:
    value = REGISTRY.get_sample_value(name, labels)
    assert value is not None, f"{name}{labels} is missing"
    return value


def view_of(symbols: int = 2, strategies: int = 2, **changes: Any) -> DecisionView:
    """Make a decision over so many symbols and strategies."""
    names = [f"S{number}" for number in range(symbols)]
    owners = [f"strategy{number}" for number in range(strategies)]
    answer: dict[str, Any] = {
        "strategy": "fallback",
        "fallback_reason": "rl_disabled",
        "allocations": dict.fromkeys(names, 100.0),
        "baseline_allocations": dict.fromkeys(names, 50.0),
        "positions": [{"symbol": name, "trade_usd": -10.0} for name in names],
        "total_allocated_usd": 100.0 * symbols,
        "net_usd": 100.0 * symbols,
        "portfolio_value": 100_000.0,
        "utilization_pct": 0.1 * symbols,
        "strategy_weights": dict.fromkeys(owners, 1.0 / strategies),
        "drifted_strategies": [],
        "max_drift_pct": 3.0,
        "correlation_penalties": dict.fromkeys(names, 0.5),
        "binding_limits": [],
        "rejected_signals": [],
        "warnings": [],
        "notices": [],
        "policy": {"abstained": {}},
        "cascade": {"risk_score": 0.3, "recommendation": "MONITOR", "components": {}},
        "regime": "crisis",
    }
    budget = [("position", name, 10.0) for name in names]
    budget += [("strategy", name, 20.0) for name in owners] + [("portfolio", "portfolio", 30.0)]
    details = DecisionDetails(
        kelly_fraction=0.02,
        conformal_scale=0.9,
        regimes=dict.fromkeys(names, "crisis"),
        risk_budget=[
            {"level": level, "identifier": name, "utilization_pct": used}
            for level, name, used in budget
        ],
    )
    return DecisionView(
        answer=answer | changes,
        stage_ms={"sizing": 0.3, "policy": 1.0, "settle": 0.2, "journal": 4.0, "total": 5.5},
        rl_enabled=True,
        details=lambda: details,
    )
