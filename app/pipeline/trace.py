"""Views of a journalled decision: one line, or signal by signal with the size of each stage."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from app.core.signals import canonical_order
from app.core.types import Batch
from app.pipeline import events, views
from app.pipeline.ports import StoredEvent


@dataclass(frozen=True, slots=True)
class DecisionSummary:
    """One line about a decision; ``latency_ms`` includes the write of the journal."""

    decision_id: str
    timestamp_ns: int
    strategy: str
    fallback_reason: str | None
    symbols: int
    total_allocated_usd: float
    utilization_pct: float
    warnings: int
    latency_ms: float


def summarise(answer: Mapping[str, Any], latency_ms: float | None = None) -> DecisionSummary:
    """Return the summary of an answer; ``latency_ms`` replaces that of the answer."""
    return DecisionSummary(
        decision_id=answer["decision_id"],
        timestamp_ns=answer["timestamp_ns"],
        strategy=answer["strategy"],
        fallback_reason=answer["fallback_reason"],
        symbols=len(answer["allocations"]),
        total_allocated_usd=answer["total_allocated_usd"],
        utilization_pct=answer["utilization_pct"],
        warnings=len(answer["warnings"]),
        latency_ms=answer["latency_ms"] if latency_ms is None else latency_ms,
    )


def decision_trace(stored: StoredEvent) -> dict[str, Any]:
    """Return a journalled decision with ``signals``, in the order of its contributions.

    Returns
    -------
    dict
        As ``GET /decisions/{id}``; each of ``signals`` holds ``signal``, ``direction``, ``edge``,
        ``volatility`` (both over ``horizon_sec``), ``claim`` (what is believed of it, in
        volatilities; None: it teaches nothing), ``prediction`` (None where none counted) and
        ``stages`` (USD; None where the symbol has no target).
    """
    data = events.decode(stored.payload)
    signals = canonical_order([*sized_batch(data).all_signals])
    parts = {
        position["symbol"]: iter(position["contributions"])
        for position in data["answer"]["positions"]
    }
    predictions = _predictions_of(data)
    rows = []
    for signal, (symbol, _, direction, edge, volatility, horizon_sec, claim) in zip(
        signals, data["trace"], strict=True
    ):
        part = next(parts.get(symbol, iter(())), None)
        rows.append(
            {
                "signal": asdict(signal),
                "direction": direction,
                "edge": edge,
                "volatility": volatility,
                "horizon_sec": horizon_sec,
                "claim": claim,
                "prediction": next(predictions, None) if direction != 0.0 else None,
                "stages": None if part is None else part["stages"],
            }
        )
    return {**views.decision_view(stored), "signals": rows}


def sized_batch(data: Mapping[str, Any]) -> Batch:
    """Return the batch of a journalled decision with those signals alone that were sized."""
    refused = {entry["index"] for entry in data["answer"]["rejected_signals"]}
    batch = events.batch_from_json({"standing": (), **data["batch"]})
    taken = [signal for index, signal in enumerate(batch.signals) if index not in refused]
    return replace(batch, signals=tuple(taken))


def _predictions_of(data: Mapping[str, Any]) -> Iterator[dict[str, Any] | None]:
    predictions = data["policy"]["predictions"]
    asked = sum(direction != 0.0 for _, _, direction, *_ in data["trace"])
    return iter(predictions if len(predictions) == asked else ())
