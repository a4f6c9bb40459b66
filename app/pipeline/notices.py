"""What people are told, and when: edges of the service's state, each told once.

Nothing here waits, counts or sends: a `Watch` looks at what happened and gives notices.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from app.core.beliefs import TradingStatus
from app.core.policy.circuit import CircuitState, Transition
from app.core.types import PolicyAnswer
from app.pipeline.answer import DecisionView

CIRCUIT_OPENED: Final = "circuit.opened"
CIRCUIT_CLOSED: Final = "circuit.closed"
TRADING_STATE: Final = "trading_state.changed"
LIMIT_NEAR: Final = "limit.near"
MODEL_CHANGED: Final = "model.changed"
MODEL_DEMOTED: Final = "model.demoted"
MODEL_RESTORED: Final = "model.restored"
JOURNAL_FAILING: Final = "journal.failing"
JOURNAL_RESTORED: Final = "journal.restored"
KINDS: Final = (
    CIRCUIT_OPENED, CIRCUIT_CLOSED, TRADING_STATE, LIMIT_NEAR, MODEL_CHANGED, MODEL_DEMOTED,
    MODEL_RESTORED, JOURNAL_FAILING, JOURNAL_RESTORED,
)  # fmt: skip
_LIMITS_TOLD: Final = 20
_LIMITS_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Notice:
    """One fact for people: its kind, a sentence, and its numbers, JSON-able."""

    kind: str
    text: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a limit counts as near and as left again, and a model as demoted.

    ``limit_near_pct`` and ``limit_clear_pct`` are percent of a limit, 0 is never;
    ``demoted_after`` counts answers in a row.
    """

    limit_near_pct: float = 95.0
    limit_clear_pct: float = 85.0
    demoted_after: int = 20


class Notices(Protocol):
    """Whoever tells people; told after the fact, must neither fail nor wait."""

    def circuit_moved(self, transition: Transition) -> None:
        """Hear of a change of the breaker's state."""
        ...

    def switched(self, status: TradingStatus) -> None:
        """Hear of the kill switch."""
        ...

    def decided(self, view: DecisionView) -> None:
        """Hear of a decision that was not a dry run."""
        ...


class NobodyTold:
    """Tells nobody."""

    def circuit_moved(self, transition: Transition) -> None:
        """Forget it."""

    def switched(self, status: TradingStatus) -> None:
        """Forget it."""

    def decided(self, view: DecisionView) -> None:
        """Forget it."""


class Watch:
    """Remembers what was told last, so that each edge is told once.

    Parameters
    ----------
    thresholds : Thresholds
        May be replaced at any time.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self.thresholds = thresholds
        self._circuit_open = False
        self._model: str | None = None
        self._model_used = False
        self._silent = 0
        self._near: dict[tuple[str, str], None] = {}
        self._journal: str | None = None

    def circuit(self, transition: Transition) -> Notice | None:
        """Tell that the circuit opened or closed; a failed probe is no news."""
        now = transition.to_state
        if now is CircuitState.HALF_OPEN or (now is CircuitState.OPEN) == self._circuit_open:
            return None
        self._circuit_open = not self._circuit_open
        data = {"reason": transition.reason, "timeout_sec": transition.timeout_sec}
        if not self._circuit_open:
            return Notice(CIRCUIT_CLOSED, "The policy is asked again: the circuit closed.", data)
        text = f"The policy is not asked, Phase 2 decides: the circuit opened ({data['reason']})."
        return Notice(CIRCUIT_OPENED, text, data)

    @staticmethod
    def switch(status: TradingStatus) -> Notice:
        """Tell how the kill switch was thrown."""
        data = {
            "state": status.state.value,
            "flatten": status.flatten,
            "reason": status.reason,
            "actor": status.actor,
        }
        flat = " and every target is zero" if status.flatten else ""
        why = f": {status.reason}" if status.reason else ""
        who = f", set by {status.actor}" if status.actor else ""
        text = f"Trading is {status.state.value}{flat}{who}{why}."
        return Notice(TRADING_STATE, text, data)

    def model(self, answer: PolicyAnswer) -> Sequence[Notice]:
        """Tell of another version, and of a model that has lost or found its confidence."""
        if answer.model_version is None and not any(answer.predictions):
            return ()
        version, was = answer.model_version, self._model
        self._model = version
        notices = []
        if was is not None and version != was:
            data = {"version": version, "was": was}
            notices.append(Notice(MODEL_CHANGED, f"The model is {version}, was {was}.", data))
        told = self._confidence(answer, version)
        return notices if told is None else [*notices, told]

    def _confidence(self, answer: PolicyAnswer, version: str | None) -> Notice | None:
        confident = any(row is not None and row.confidence > 0.0 for row in answer.predictions)
        demoted = self._silent >= self.thresholds.demoted_after
        data: dict[str, Any] = {"version": version}
        if confident:
            # the first confident answer of all is no restoration
            restored, self._silent, self._model_used = demoted and self._model_used, 0, True
            text = f"The model {version} is confident again and takes part in decisions."
            return Notice(MODEL_RESTORED, text, data) if restored else None
        self._silent += 1
        if demoted or self._silent < self.thresholds.demoted_after or not self._model_used:
            return None
        data["answers"] = self._silent
        text = f"The model {version} is demoted: {self._silent} answers without confidence."
        return Notice(MODEL_DEMOTED, text, data)

    def limits(self, rows: Iterable[Mapping[str, Any]]) -> Notice | None:
        """Tell which limits came near; one that the decision does not name stays as it was.

        Parameters
        ----------
        rows : iterable of mapping
            As of ``GET /portfolio/risk-budget``.
        """
        near_pct, clear_pct = self.thresholds.limit_near_pct, self.thresholds.limit_clear_pct
        if near_pct <= 0.0:
            return None
        news = []
        for row in rows:
            name, used = (row["level"], row["identifier"]), row["utilization_pct"]
            if used >= near_pct and name not in self._near:
                self._near[name] = None
                news.append(row)
            elif used < clear_pct:
                self._near.pop(name, None)
        while len(self._near) > _LIMITS_REMEMBERED:
            del self._near[next(iter(self._near))]
        return _limits_notice(news, near_pct) if news else None

    def journal(self, refusing: str | None) -> Notice | None:
        """Tell that the journal cannot be written, and that it can be again."""
        was, self._journal = self._journal, refusing
        if (was is None) == (refusing is None):
            return None
        if refusing is not None:
            text = f"No batch is decided: the journal cannot be written ({refusing})."
            return Notice(JOURNAL_FAILING, text, {"reason": refusing})
        return Notice(JOURNAL_RESTORED, "The journal is written again.", {"reason": was})


def _limits_notice(news: Sequence[Mapping[str, Any]], near_pct: float) -> Notice:
    shown = [dict(row) for row in news[:_LIMITS_TOLD]]
    named = ", ".join(f"{row['level']} {row['identifier']}" for row in shown[:3])
    more = f" and {len(news) - 3} more" if len(news) > 3 else ""
    text = f"At {near_pct:g} percent of a limit or above: {named}{more}."
    return Notice(LIMIT_NEAR, text, {"near_pct": near_pct, "count": len(news), "limits": shown})
