"""Notices to people about changes of the service's state, each change once.

No I/O: a `Watch` is given what happened and returns notices; the adapter sends them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from app.core.beliefs import TradingStatus
from app.core.policy.circuit import CircuitState, Transition
from app.core.types import PolicyAnswer, TradingState
from app.pipeline.answer import DecisionView

CIRCUIT_OPENED: Final = "circuit.opened"
CIRCUIT_CLOSED: Final = "circuit.closed"
TRADING_STATE: Final = "trading_state.changed"
TRADING_STATE_AT_START: Final = "trading_state.at_start"
LIMIT_NEAR: Final = "limit.near"
MODEL_CHANGED: Final = "model.changed"
MODEL_DEMOTED: Final = "model.demoted"
MODEL_RESTORED: Final = "model.restored"
JOURNAL_FAILING: Final = "journal.failing"
JOURNAL_RESTORED: Final = "journal.restored"
KINDS: Final = (
    CIRCUIT_OPENED, CIRCUIT_CLOSED, TRADING_STATE, TRADING_STATE_AT_START, LIMIT_NEAR,
    MODEL_CHANGED, MODEL_DEMOTED, MODEL_RESTORED, JOURNAL_FAILING, JOURNAL_RESTORED,
)  # fmt: skip
_LIMITS_SHOWN: Final = 20
_LIMITS_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to people: its kind, a sentence, and its numbers, JSON-able."""

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
    """Port that sends notices; called after the change, must neither raise nor block."""

    def circuit_moved(self, transition: Transition) -> None:
        """Take a change of the breaker's state."""
        ...

    def started(self, status: TradingStatus) -> None:
        """Take the kill switch as a start finds it."""
        ...

    def switched(self, status: TradingStatus) -> None:
        """Take a change of the kill switch."""
        ...

    def decided(self, view: DecisionView) -> None:
        """Take a decision that was not a dry run."""
        ...


class NullNotices:
    """Sends no notice."""

    def circuit_moved(self, transition: Transition) -> None:
        """Ignore it."""

    def started(self, status: TradingStatus) -> None:
        """Ignore it."""

    def switched(self, status: TradingStatus) -> None:
        """Ignore it."""

    def decided(self, view: DecisionView) -> None:
        """Ignore it."""


class Watch:
    """Returns a notice for each change of state, once.

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
        self._abstained = 0
        self._near: dict[tuple[str, str], None] = {}
        self._journal: str | None = None

    def circuit(self, transition: Transition) -> Notice | None:
        """Return a notice when the circuit opens or closes, None for a failed probe."""
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
    def start(status: TradingStatus) -> Notice | None:
        """Return a notice of a start that is not free to trade, None where it is."""
        if status.state is TradingState.ACTIVE:
            return None
        text = f"The service started. {_switch_in_words(status)}"
        return Notice(TRADING_STATE_AT_START, text, _switch_data(status))

    @staticmethod
    def switch(status: TradingStatus) -> Notice:
        """Return the notice of a change of the kill switch."""
        return Notice(TRADING_STATE, _switch_in_words(status), _switch_data(status))

    def model(self, answer: PolicyAnswer) -> Sequence[Notice]:
        """Return notices of another version, and of confidence lost or regained."""
        if answer.model_version is None and not any(answer.predictions):
            return ()
        version, was = answer.model_version, self._model
        self._model = version
        notices = []
        if was is not None and version != was:
            data = {"version": version, "was": was}
            notices.append(Notice(MODEL_CHANGED, f"The model is {version}, was {was}.", data))
        confidence = self._confidence(answer, version)
        return notices if confidence is None else [*notices, confidence]

    def _confidence(self, answer: PolicyAnswer, version: str | None) -> Notice | None:
        confident = any(row is not None and row.confidence > 0.0 for row in answer.predictions)
        demoted = self._abstained >= self.thresholds.demoted_after
        data: dict[str, Any] = {"version": version}
        if confident:
            # the first confident answer of all is no restoration
            restored, self._abstained, self._model_used = demoted and self._model_used, 0, True
            text = f"The model {version} is confident again and takes part in decisions."
            return Notice(MODEL_RESTORED, text, data) if restored else None
        self._abstained += 1
        if demoted or self._abstained < self.thresholds.demoted_after or not self._model_used:
            return None
        data["answers"] = self._abstained
        text = f"The model {version} is demoted: {self._abstained} answers without confidence."
        return Notice(MODEL_DEMOTED, text, data)

    def limits(self, rows: Iterable[Mapping[str, Any]]) -> Notice | None:
        """Return a notice of limits that came near; those not named keep their state.

        Parameters
        ----------
        rows : iterable of mapping
            As of ``GET /portfolio/risk-budget``.
        """
        near_pct, clear_pct = self.thresholds.limit_near_pct, self.thresholds.limit_clear_pct
        if near_pct <= 0.0:
            return None
        reached = []
        for row in rows:
            name, used = (row["level"], row["identifier"]), row["utilization_pct"]
            if used >= near_pct and name not in self._near:
                self._near[name] = None
                reached.append(row)
            elif used < clear_pct:
                self._near.pop(name, None)
        while len(self._near) > _LIMITS_REMEMBERED:
            del self._near[next(iter(self._near))]
        return _limits_notice(reached, near_pct) if reached else None

    def journal(self, refusing: str | None) -> Notice | None:
        """Return a notice when the journal starts or stops refusing writes."""
        was, self._journal = self._journal, refusing
        if (was is None) == (refusing is None):
            return None
        if refusing is not None:
            text = f"No batch is decided: the journal cannot be written ({refusing})."
            return Notice(JOURNAL_FAILING, text, {"reason": refusing})
        return Notice(JOURNAL_RESTORED, "The journal is written again.", {"reason": was})


def _switch_in_words(status: TradingStatus) -> str:
    flat = " and every target is zero" if status.flatten else ""
    why = f": {status.reason}" if status.reason else ""
    who = f", set by {status.actor}" if status.actor else ""
    return f"Trading is {status.state.value}{flat}{who}{why}."


def _switch_data(status: TradingStatus) -> dict[str, Any]:
    return {
        "state": status.state.value,
        "flatten": status.flatten,
        "reason": status.reason,
        "actor": status.actor,
    }


def _limits_notice(reached: Sequence[Mapping[str, Any]], near_pct: float) -> Notice:
    shown = [dict(row) for row in reached[:_LIMITS_SHOWN]]
    named = ", ".join(f"{row['level']} {row['identifier']}" for row in shown[:3])
    more = f" and {len(reached) - 3} more" if len(reached) > 3 else ""
    text = f"At {near_pct:g} percent of a limit or above: {named}{more}."
    return Notice(LIMIT_NEAR, text, {"near_pct": near_pct, "count": len(reached), "limits": shown})
