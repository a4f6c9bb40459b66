"""The answer of a decision, its fields as attributes."""

from typing import Any

import orjson

from app.pipeline.answer import Decision


class HybridAllocation:
    """One decision: target positions, the Phase 2 allocation beside them, and the reasons.

    Positions that are set apart for want of a price have None for target, weight and trade in USD.
    The attributes are the fields of ``POST /allocate``'s answer, the same objects that the engine
    made, without a copy.
    """

    __slots__ = ("_decision",)

    decision_id: str
    strategy: str
    fallback_reason: str | None
    mode: str
    allocations: dict[str, float]
    baseline_allocations: dict[str, float]
    positions: list[dict[str, Any]]
    total_allocated_usd: float
    net_usd: float
    portfolio_value: float
    utilization_pct: float
    strategy_weights: dict[str, float]
    drifted_strategies: list[str]
    max_drift_pct: float
    correlation_penalties: dict[str, float]
    binding_limits: list[dict[str, Any]]
    rejected_signals: list[dict[str, Any]]
    warnings: list[str]
    cascade: dict[str, Any]
    risk: dict[str, Any]
    policy: dict[str, Any]
    trading_state: str
    control_version: int
    set_apart_usd: float
    notices: list[dict[str, Any]]
    regime: str
    circuit_state: str
    model_version: str | None
    settings_hash: str
    latency_ms: float
    timestamp_ns: int

    def __init__(self, decision: Decision) -> None:
        self._decision = decision

    def __getattr__(self, name: str) -> Any:
        # An unpickler reads private names before _decision is set: that would recurse.
        if name.startswith("_") or name not in self._decision.answer:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return self._decision.answer[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._decision.answer]

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(strategy={self.strategy!r}, "
            f"total_allocated_usd={self.total_allocated_usd!r}, allocations={self.allocations!r})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return a copy of the answer, as its JSON reads."""
        copied: dict[str, Any] = orjson.loads(self._decision.body)
        return copied
