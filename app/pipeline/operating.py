"""What an operator does: the kill switch, the breaker, settings, and whether requests may come."""

from collections.abc import Awaitable
from dataclasses import asdict
from typing import Any

import structlog

from app.core.beliefs import TradingStatus
from app.core.errors import FieldProblem, InvalidInput
from app.core.params import EngineParams
from app.core.policy.circuit import BreakerMode, Transition
from app.core.types import TradingState
from app.pipeline import events
from app.pipeline.engine import Engine, SettingsChange

_LOG = structlog.get_logger(__name__)
_RESET, _MODE = "circuit_reset", "circuit_mode"
# an operator's acts on the breaker, by name; each is journalled with who and why
CIRCUIT_ACTS = frozenset({_RESET, _MODE})


class Operating:
    """Changes how the service runs; each change is journalled, logged and told to people.

    Parameters
    ----------
    engine : Engine

    Attributes
    ----------
    draining : bool
        Whether the process is about to end and should get no new requests.
    """

    def __init__(self, engine: Engine) -> None:
        self.draining = False
        self._engine = engine
        self._world = engine.world

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Return whether a load balancer should send requests here, and why not."""
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
        """Return the kill switch as it stands."""
        return asdict(self._engine.beliefs.trading)

    async def set_trading_state(
        self,
        state: TradingState,
        reason: str | None,
        actor: str,
        *,
        flatten: bool = False,
        rebase: bool = False,
    ) -> dict[str, Any]:
        """Throw the kill switch; holds from the next decision on and over restarts.

        Parameters
        ----------
        state : TradingState
        reason, actor : str
            Why and who; both are journalled.
        flatten : bool
            With HALTED: every target is zero instead of the current position.
        rebase : bool
            Let the brakes forget peak, last value and day: they measure from the next batch on.

        Raises
        ------
        InvalidInput
            If ``flatten`` comes with another state.
        JournalUnavailable
            If the change cannot be journalled.
        """
        if flatten and state is not TradingState.HALTED:
            message = f"must be false unless state is HALTED, which was {state.value}"
            raise InvalidInput(FieldProblem("flatten", message, flatten))
        self._engine.require_journal()
        status = TradingStatus(state, reason, self._world.clock.now_ns(), flatten, actor)
        self._engine.beliefs.throw_switch(status, rebase=rebase)
        data = {**asdict(status), "rebase": rebase}
        _LOG.warning("trading_state", **data)
        durable = self._engine.append(events.TRADING_STATE, lambda: events.encode(data))
        self._world.notices.switched(status)
        await durable
        return self.trading_state()

    def circuit(self) -> dict[str, Any]:
        """Return the breaker as it stands."""
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
