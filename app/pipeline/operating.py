"""Operators' changes: kill switch, breaker and settings; and readiness."""

from collections.abc import Awaitable
from typing import Any

import structlog

from app.core.beliefs import TradingStatus
from app.core.errors import FieldProblem, InvalidInput, TradingStateDiffers
from app.core.params import EngineParams
from app.core.policy.circuit import BreakerMode, Transition
from app.core.types import DEFAULT_PORTFOLIO, TradingState
from app.pipeline import events
from app.pipeline.engine import Engine, SettingsChange
from app.pipeline.handover import Handover

_LOG = structlog.get_logger(__name__)
_RESET, _MODE = "circuit_reset", "circuit_mode"
# operators' changes of the breaker, by name; each is journalled with actor and reason
CIRCUIT_ACTS = frozenset({_RESET, _MODE})
# the only portfolio


class Operating:
    """Changes how the service runs; each change is journalled, logged and sent as a notice.

    Parameters
    ----------
    engine : Engine
    handover : Handover
        Decisions that were committed and not yet sent.

    Attributes
    ----------
    draining : bool
        Whether the process is about to end and should get no new requests.
    """

    def __init__(self, engine: Engine, handover: Handover) -> None:
        self.draining = False
        self._engine = engine
        self._handover = handover
        self._world = engine.world

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Return whether requests are accepted, and the details that say why not."""
        refusing = self._world.journal.refusing()
        detail = {
            "journal": refusing or "ok",
            "draining": self.draining,
            "mode": self._engine.mode,
        }
        return refusing is None and not self.draining, detail

    def change_settings(self, params: EngineParams, change: SettingsChange) -> Awaitable[None]:
        """Put settings in force from the next batch on; see `Engine.change_settings`.

        Raises
        ------
        JournalUnavailable
            If the change cannot be journalled now; nothing has changed then.
        """
        return self._engine.change_settings(params, change)

    def trading_state(self) -> dict[str, Any]:
        """Return state, reason, time, flatten and actor of the kill switch, and its version."""
        status = self._engine.beliefs.trading
        return {
            "state": status.state,
            "reason": status.reason,
            "since_ns": status.since_ns,
            "flatten": status.flatten,
            "actor": status.actor,
            "control_version": status.version,
            "portfolio_id": DEFAULT_PORTFOLIO,
        }

    async def set_trading_state(
        self,
        state: TradingState,
        reason: str | None,
        actor: str,
        *,
        flatten: bool = False,
        rebase: bool = False,
        if_state_is: TradingState | None = None,
    ) -> dict[str, Any]:
        """Set the trading state, from the next decision on and over restarts.

        Returns when every decision that was committed before was sent to its caller, or after the
        longest wait of the handover.

        Parameters
        ----------
        state : TradingState
        reason, actor : str
            Why and who; both are journalled.
        flatten : bool
            With HALTED: every target is zero instead of the current position.
        rebase : bool
            Let the brakes forget peak, last value and day: they measure from the next batch on.
        if_state_is : TradingState, optional
            Change nothing unless this state is in effect.

        Raises
        ------
        InvalidInput
            If ``flatten`` comes with another state than HALTED.
        TradingStateDiffers
            If the state in effect is not ``if_state_is``; nothing has changed then.
        JournalUnavailable
            If the change cannot be journalled.
        """
        if flatten and state is not TradingState.HALTED:
            message = f"must be false unless state is HALTED, which was {state.value}"
            raise InvalidInput(FieldProblem("flatten", message, flatten))
        current = self._engine.beliefs.trading.state
        if if_state_is not in {None, current}:
            raise TradingStateDiffers(f"the trading state is {current.value}; nothing was changed")
        self._engine.require_journal()
        status = TradingStatus(state, reason, self._world.clock.now_ns(), flatten, actor)
        self._engine.beliefs.throw_switch(status, rebase=rebase)
        data = events.status_to_json(status, rebase=rebase)
        _LOG.warning("trading_state", **data)
        durable = self._engine.append(events.TRADING_STATE, lambda: events.encode(data))
        answer, unsent = self.trading_state(), self._handover.pending()
        self._world.notices.switched(status)
        await durable
        if not await self._handover.wait(unsent):
            _LOG.warning("decisions_not_sent", count=len(unsent & self._handover.pending()))
        return answer

    def circuit(self) -> dict[str, Any]:
        """Return the fields of ``GET /circuit``."""
        return self._world.gate.breaker.snapshot(self._world.clock.monotonic())

    async def reset_circuit(self, reason: str | None, actor: str) -> dict[str, Any]:
        """Force the breaker closed.

        Raises
        ------
        JournalUnavailable
            If the reset cannot be journalled.
        """
        self._engine.require_journal()
        self._world.gate.reset(reason or "reset")
        return await self._operated(_RESET, None, reason, actor)

    async def set_circuit_mode(self, mode: str, reason: str | None, actor: str) -> dict[str, Any]:
        """Set the breaker's mode: auto, forced_open or disabled.

        Raises
        ------
        JournalUnavailable
            If the change cannot be journalled.
        """
        self._engine.require_journal()
        now = self._world.clock.monotonic()
        self._world.gate.breaker.set_mode(BreakerMode(mode), now, reason=reason or mode)
        return await self._operated(_MODE, mode, reason, actor)

    async def _operated(
        self, what: str, value: str | None, reason: str | None, actor: str
    ) -> dict[str, Any]:
        _LOG.warning("operator", what=what, value=value, reason=reason, actor=actor)
        changed = {"circuit": self._world.gate.breaker.export(), "reason": what}
        self._engine.append(events.BREAKER, lambda: events.encode(changed))
        data = {"what": what, "value": value, "reason": reason, "actor": actor}
        await self._engine.append(events.OPERATOR, lambda: events.encode(data))
        snapshot = self.circuit()
        self._world.telemetry.circuit_changed(snapshot)
        return snapshot

    def circuit_moved(self, transition: Transition) -> None:
        """Journal a breaker transition; to be given to the breaker as its ``on_transition``."""
        circuit = self._world.gate.breaker.export()
        data = {"circuit": circuit, "reason": transition.reason}
        _LOG.warning(
            "circuit_moved",
            was=str(transition.from_state),
            now=str(transition.to_state),
            reason=transition.reason,
        )
        self._world.notices.circuit_moved(transition)
        self._engine.append(events.BREAKER, lambda: events.encode(data))
        self._world.telemetry.circuit_changed(self.circuit())
