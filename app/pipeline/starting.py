"""The start of an engine: its journal opened, its state restored, the strictest switch in force."""

from collections.abc import Sequence
from typing import Final

import structlog

from app.core.beliefs import TradingStatus
from app.core.params import EngineParams
from app.core.policy.circuit import BreakerMode
from app.core.types import TradingState
from app.pipeline import events
from app.pipeline.engine import Engine, SettingsChange
from app.pipeline.event_log import EventLog, Restored
from app.pipeline.other_streams import KINDS, StreamEnd, stream_end, strictest
from app.pipeline.ports import Clock, Journal
from app.pipeline.standing import StandingSignals

_LOG = structlog.get_logger(__name__)
_ACTOR: Final = "start"
# as an operator's own act on the breaker's mode
_CIRCUIT_MODE: Final = "circuit_mode"


async def start_engine(engine: Engine, at_first: TradingState = TradingState.ACTIVE) -> None:
    """Open the journal and restore its state, under the strictest switch of all its streams.

    People are told where that is not ACTIVE.

    Parameters
    ----------
    engine : Engine
    at_first : TradingState
        The trading state that a new journal begins with.

    Raises
    ------
    JournalUnavailable
        If it cannot be opened, is of other rules, or holds an event that this build does not know.
    """
    journal = engine.world.journal
    await journal.open()
    try:
        ends = [stream_end(tail) for tail in await journal.other_streams(KINDS)]
        restored = await engine.log.restore(engine.params)
        new = engine.log.seq == 0 and not ends
        await _resume(engine, restored)
        if new and at_first is not TradingState.ACTIVE:
            reason = "TRADING_STATE_AT_FIRST of a new journal"
            await _switch(engine, TradingStatus(at_first, reason))
        await _take_switch(engine, ends)
        await _take_forced_breaker(engine, ends)
    except BaseException:
        await journal.close()
        raise
    _LOG.info(
        "journal_opened",
        journal=journal.place(),
        new=new,
        events=engine.log.seq,
        trading_state=engine.beliefs.trading.state.value,
    )
    engine.world.notices.started(engine.beliefs.trading)


async def is_new_journal(journal: Journal, params: EngineParams, clock: Clock) -> bool:
    """Open the journal, read it as a start would and close it; return whether it holds no event.

    Raises
    ------
    JournalUnavailable
        As `start_engine`.
    """
    await journal.open()
    try:
        log = EventLog(journal, clock, dict)
        ends = [stream_end(tail) for tail in await journal.other_streams(KINDS)]
        await log.restore(params)
    finally:
        await journal.close()
    return log.seq == 0 and not ends


async def _resume(engine: Engine, restored: Restored) -> None:
    """Put the restored state in force; journal settings and build where they have changed."""
    engine.beliefs = restored.beliefs
    if restored.circuit is not None:
        world = engine.world
        world.gate.breaker.restore(restored.circuit, world.clock.monotonic())
    known = None if restored.params is None else EngineParams.from_json(restored.params)
    if known != engine.params or restored.build != events.BUILD:
        was = None if known is None else known.digest()
        engine.beliefs = engine.beliefs_under(engine.params)
        await engine.append_settings(was, SettingsChange("", "the service started", ""))
    if not engine.params.signals.standing:
        await StandingSignals(engine).end_all("SIGNALS__STANDING is off", _ACTOR)


async def _take_switch(engine: Engine, ends: Sequence[StreamEnd]) -> None:
    """Put the strictest switch of other streams in force where one's own is less strict."""
    found = strictest(engine.beliefs.trading, ends, engine.log.taken)
    if found is None or (other := found.status) is None:
        return
    reason = _taken_from(found, other.reason, other.actor)
    status = TradingStatus(other.state, reason, flatten=other.flatten)
    await _switch(engine, status, found.status_mark())


async def _take_forced_breaker(engine: Engine, ends: Sequence[StreamEnd]) -> None:
    """Force the breaker open where another stream's is, journalled as an operator's act."""
    breaker, taken = engine.world.gate.breaker, engine.log.taken
    forced = [e for e in ends if e.forced_open and not e.circuit_mark().items() <= taken.items()]
    if not forced or breaker.mode is BreakerMode.FORCED_OPEN:
        return
    reason = _taken_from(forced[0], "the breaker is forced open", "")
    breaker.set_mode(BreakerMode.FORCED_OPEN, engine.world.clock.monotonic(), reason=reason)
    mark = {name: seq for end in forced for name, seq in end.circuit_mark().items()}
    taken |= mark
    changed = {"circuit": breaker.export(), "reason": _CIRCUIT_MODE, "taken": mark}
    engine.append(events.BREAKER, lambda: events.encode(changed))
    value = str(BreakerMode.FORCED_OPEN)
    act = {"what": _CIRCUIT_MODE, "value": value, "reason": reason, "actor": _ACTOR}
    _LOG.warning("operator", **act)
    await engine.append(events.OPERATOR, lambda: events.encode(act))


async def _switch(
    engine: Engine, wanted: TradingStatus, taken: dict[str, int] | None = None
) -> None:
    now_ns = engine.world.clock.now_ns()
    status = TradingStatus(wanted.state, wanted.reason, now_ns, wanted.flatten, _ACTOR)
    engine.beliefs.throw_switch(status)
    engine.log.taken |= taken or {}
    data = events.status_to_json(status, taken=taken)
    _LOG.warning("trading_state", **data)
    await engine.append(events.TRADING_STATE, lambda: events.encode(data))


def _taken_from(end: StreamEnd, reason: str | None, actor: str) -> str:
    by = f" by {actor}" if actor else ""
    return f"taken from stream {end.stream} of the journal{by}: {reason or 'no reason given'}"
