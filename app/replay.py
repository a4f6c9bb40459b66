"""Recompute decisions from the journal alone and compare them to the last bit."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.adapters.journal.sql import iterate_events
from app.core.beliefs import Beliefs
from app.core.decision.conclude import conclude
from app.core.decision.draft import Draft, draft
from app.core.decision.observe import Observation
from app.core.params import EngineParams
from app.pipeline import events
from app.pipeline.answer import compose
from app.pipeline.ports import StoredEvent

# decided by the world, not by state and request
_NOT_COMPARED = frozenset(
    {"decision_id", "mode", "circuit_state", "model_version", "latency_ms", "timestamp_ns"}
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One decision that came out otherwise: where, what is journalled, what was computed.

    ``request_id`` is of the request that asked for the decision, None where there was none.
    """

    decision_id: str
    path: str
    journalled: Any
    computed: Any
    request_id: str | None = None


@dataclass(slots=True)
class ReplayReport:
    """How many decisions were compared, how many were equal, and what differed."""

    events: int = 0
    compared: int = 0
    equal: int = 0
    differences: list[Difference] = field(default_factory=list)


def replay_journal(
    database_url: str,
    *,
    stream: int = 0,
    decision_id: str | None = None,
    limit: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> ReplayReport:
    """Fold a journal from its first event and recompute its decisions on the way.

    Parameters
    ----------
    database_url : str
    stream : int
        Which process's stream; 0 is the first one of a database.
    decision_id : str, optional
        Compare this one alone.
    limit : int, optional
        Stop after so many comparisons.
    progress : callable, optional
        Called with the number of events so far.

    Returns
    -------
    ReplayReport
        Exact on the same machine and lock file; elsewhere last digits may differ.
    """
    return replay_events(
        iterate_events(database_url, stream),
        decision_id=decision_id,
        limit=limit,
        progress=progress,
    )


def replay_events(
    stored: Iterable[StoredEvent],
    *,
    decision_id: str | None = None,
    limit: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> ReplayReport:
    """Replay events that were read already; see :func:`replay_journal`."""
    report = ReplayReport()
    beliefs = Beliefs(EngineParams())
    drafts: dict[int, Draft] = {}

    def recompute(observed: Observation | None) -> None:
        drafted = None if observed is None else draft(observed, beliefs)
        if event.kind == events.BATCH and drafted is not None:
            drafts[event.seq] = drafted
            return
        drafted = drafts.pop(data["batch_seq"]) if drafted is None else drafted
        if decision_id in {None, data["answer"]["decision_id"]}:
            _compare(data, drafted, beliefs, report)

    for event in stored:
        report.events += 1
        if progress is not None:
            progress(report.events)
        data = events.read_event(event)
        beliefs = events.apply_event(event.kind, data, beliefs, recompute)
        if limit is not None and report.compared >= limit:
            break
    return report


def _compare(
    data: Mapping[str, Any], drafted: Draft, beliefs: Beliefs, report: ReplayReport
) -> None:
    answer = events.answer_from_json(data["policy"])
    concluded = conclude(drafted, answer, beliefs)
    computed = compose(concluded) | {"settings_hash": concluded.observed.params.digest()}
    found = list(_differences(data, computed))
    report.compared += 1
    report.equal += not found
    report.differences += found


def _differences(data: Mapping[str, Any], computed: Mapping[str, Any]) -> Iterator[Difference]:
    journalled = data["answer"]
    # through JSON, so that both sides have the same types
    other = events.decode(events.encode(computed))
    for name in journalled:
        if name in _NOT_COMPARED:
            continue
        if journalled[name] != other.get(name):
            yield Difference(
                journalled["decision_id"],
                name,
                journalled[name],
                other.get(name),
                data["request_id"],
            )
