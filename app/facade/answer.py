"""What comes out: the wire's answer, its fields as attributes."""

from typing import Any

import orjson

from app.pipeline.answer import Decision


class HybridAllocation:
    """One decision: target positions, the Phase 2 allocation beside them, and why.

    The attributes are the fields of ``POST /allocate``'s answer, the same objects that the engine
    made; nothing is copied before it is asked for.
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
    regime: str
    circuit_state: str
    model_version: str | None
    latency_ms: float
    timestamp_ns: int

    def __init__(self, decision: Decision) -> None:
        self._decision = decision

    def __getattr__(self, name: str) -> Any:
        # Private names too would ask for _decision again while an unpickler has not set it yet.
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
        """Copy the whole answer, as its JSON would read."""
        copied: dict[str, Any] = orjson.loads(self._decision.body)
        return copied
