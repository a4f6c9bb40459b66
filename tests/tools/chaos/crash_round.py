"""One round: load, SIGKILL, a look at what is left, a new life, and every promise held to it."""

import asyncio
import json
import random
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final

from app.adapters.journal.stores import open_reading
from tests.adapters.journal.journal_events import eventually
from tests.tools.chaos.caller import Caller
from tests.tools.chaos.crash_fold import Fold
from tests.tools.chaos.crash_load import Ledger, Load
from tests.tools.chaos.crash_service import Serving

_WRITTEN_WITHIN_SEC: Final = 10.0


@dataclass(frozen=True, slots=True)
class Round:
    """What one round showed; everything from ``lost`` on must be empty or zero."""

    decided: int
    others: int
    in_doubt: int
    killed_after_sec: float
    ready_sec: float
    events: int
    lost: list[str]
    changed: list[str]
    decided_twice: int
    gaps: int
    differs: list[str]
    integrity: str
    refused: dict[int, int]

    @property
    def kept(self) -> bool:
        """Whether every promise was."""
        broken = (self.lost, self.changed, self.decided_twice, self.gaps, self.differs)
        return not any(broken) and not self.refused and self.integrity == "ok"


def integrity(url: str) -> str:
    """Let SQLite check its file as it lies there; PostgreSQL's is the server's own affair."""
    engine = open_reading(url)
    name, path = engine.dialect.name, url.removeprefix("sqlite:///")
    engine.dispose()
    if name != "sqlite":
        return "ok"
    # For reading only, so that the log is left for the service to recover.
    connection = sqlite3.connect(f"file:{Path(path)}?mode=ro", uri=True)
    try:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    except sqlite3.DatabaseError as error:
        return str(error)
    finally:
        connection.close()


def lost_of(ledger: Ledger, fold: Fold) -> list[str]:
    """Name what was acknowledged and is not in the journal, or is another there."""
    lost = []
    for key, body in ledger.decided.items():
        answer = json.loads(body)
        if fold.answers.get(answer["decision_id"]) != answer:
            lost.append(f"decision of {key}")
    known = fold.known_outcomes(ledger.outcomes)
    lost += [f"outcome {pair}" for pair in ledger.outcomes if pair not in known]
    lost += [f"prices of {at_ns}" for at_ns in ledger.prices if at_ns not in fold.prices]
    return lost + [f"act {reason}" for reason in ledger.reasons if reason not in fold.reasons]


class Crashes:
    """Rounds on one journal, one after the other.

    Parameters
    ----------
    serving : Serving
        Running; it is left running after each round.
    """

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self.fold = Fold(serving.url)
        self.ledgers: list[Ledger] = []

    async def play(self, seed: int, longest_sec: float, *, twice: bool = False) -> Round:
        """Play one round.

        Parameters
        ----------
        seed : int
            Larger than those before.
        longest_sec : float, seconds
            The service is killed at a random moment so long after its first decision.
        twice : bool
            Kill the next life as well, at a random moment of its start.
        """
        chance, load = random.Random(seed), Load(seed)
        killed_after_sec = chance.uniform(0.0, longest_sec)
        loading = asyncio.create_task(load.run(self.serving.port))
        await eventually(lambda: load.ledger.decided, within_sec=30.0)
        await asyncio.sleep(killed_after_sec)
        self.serving.end()
        await loading
        self.ledgers.append(load.ledger)
        sound = integrity(self.serving.url)
        if twice:
            self.serving.launch()
            await asyncio.sleep(chance.uniform(0.0, 2.0))
            self.serving.end()
        ready_sec = await asyncio.to_thread(self.serving.start)
        return await self._judge(load.ledger, sound, killed_after_sec, ready_sec)

    async def ask_all_again(self) -> list[str]:
        """Repeat every request of every round; name the keys with another answer."""
        caller = self.serving.caller()
        changed = [key for ledger in self.ledgers for key in await ask_again(caller, ledger)]
        caller.close()
        return changed

    async def _judge(
        self, ledger: Ledger, sound: str, killed_after_sec: float, ready_sec: float
    ) -> Round:
        caller, in_doubt = self.serving.caller(), len(ledger.in_doubt)
        state = await _state(caller)
        await _fold_up_to(self.fold, state["state_version"])
        differs, lost = self.fold.believes(state), lost_of(ledger, self.fold)
        changed = await ask_again(caller, ledger)
        await _fold_up_to(self.fold, (await _state(caller))["state_version"])
        caller.close()
        asked = sum(len(known.asked) for known in self.ledgers)
        return Round(
            decided=len(ledger.decided),
            others=ledger.others,
            in_doubt=in_doubt,
            killed_after_sec=killed_after_sec,
            ready_sec=ready_sec,
            events=self.fold.seq,
            lost=lost,
            changed=changed,
            decided_twice=len(self.fold.answers) - asked,
            gaps=self.fold.gaps,
            differs=differs,
            integrity=sound,
            refused=dict(ledger.refused),
        )


async def ask_again(caller: Caller, ledger: Ledger) -> list[str]:
    """Repeat each request under its key; name those whose answer is not what was read before."""
    changed = []
    for key, body in ledger.asked.items():
        first = ledger.decided.get(key)
        if first is None:
            first = (await caller.ask("POST", "/allocate", body, key=key)).body
        again = await caller.ask("POST", "/allocate", body, key=key)
        if again.status != 200 or again.body != first:
            changed.append(key)
    return changed


async def _state(caller: Caller) -> dict[str, Any]:
    return (await caller.ask("GET", "/state")).document()


async def _fold_up_to(fold: Fold, seq: int) -> None:
    deadline = monotonic() + _WRITTEN_WITHIN_SEC
    while fold.seq < seq:
        fold.advance(seq)
        if monotonic() > deadline:
            raise RuntimeError(f"event {seq} was not written, the last one is {fold.seq}")
        await asyncio.sleep(0.0 if fold.seq == seq else 0.01)
