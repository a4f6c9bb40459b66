"""One run of the honest stream through the application, with a liar beside it or without."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx

from app.pipeline.service import SizingService
from app.settings import Settings
from tests.fakes import FakeClock
from tests.faults.services import started
from tests.tools.chaos.liar_lies import Liar, Lie, Scene
from tests.tools.chaos.liar_stream import (
    HOUR_STEPS,
    STEP_SEC,
    STRATEGIES,
    SYMBOLS,
    Account,
    Step,
    batch_body,
    outcomes_body,
)

_LIE_EVERY_SEC: Final = 35


@dataclass(frozen=True, slots=True)
class Plan:
    """When the liar lies: steps before it begins, with it, and after it; lies a step."""

    before: int = 36
    during: int = 480
    after: int = 36
    lies: int = 3

    @property
    def steps(self) -> int:
        """Length of the whole run."""
        return self.before + self.during + self.after

    @property
    def well_again(self) -> int:
        """Step of the twelfth batch after the last lie: an hour of data."""
        return self.before + self.during + HOUR_STEPS - 1


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a run.

    Attributes
    ----------
    sizes : list of mapping of symbol to USD
        Of each step: target quantities at the true prices.
    beliefs : mapping of str to number, text or None
        What is believed of the honest symbols and strategies an hour after the last lie, flat.
    """

    sizes: list[dict[str, float]]
    beliefs: dict[str, Any]


async def play(
    folder: Path, steps: Sequence[Step], plan: Plan, brake: float, liar: Liar | None = None
) -> Played:
    """Send the honest stream, and between its batches what the liar says.

    Parameters
    ----------
    folder : Path
        Where the journal is made.
    steps : sequence of Step, of the plan's length
    plan : Plan
    brake : float, fraction in [0, 1)
        For prices and portfolio value alike.
    liar : Liar, optional
    """
    clock = FakeClock()
    settings = Settings(
        database_url=f"sqlite:///{folder}/liar.db",
        synchronous="NORMAL",
        log_level="ERROR",
        brakes={"price_jump_from": brake, "value_jump_from": brake},
    )
    sizes, beliefs = [], {}
    async with started(settings, clock) as (service, client):
        world = _World(service, client, clock)
        for place, step in enumerate(steps):
            end_ns = clock.now_ns() + STEP_SEC * 10**9
            sizes.append(await world.send(step))
            if place == plan.well_again:
                beliefs = await world.beliefs()
            if liar is not None and plan.before <= place < plan.before + plan.during:
                await world.hear(liar, plan.lies)
            clock.advance((end_ns - clock.now_ns()) / 1e9)
    return Played(sizes, beliefs)


class _World:
    """The service, its callers' account and what they still have to report."""

    def __init__(self, service: SizingService, client: httpx.AsyncClient, clock: FakeClock) -> None:
        self._service, self._client, self._clock = service, client, clock
        self._account = Account()
        self._pending: list[tuple[str, Step]] = []
        self._scene = Scene(0, {}, {}, 0.0, ())

    async def send(self, step: Step) -> dict[str, float]:
        """Post what the honest caller says in one step; return its sizes in USD."""
        if len(self._pending) == HOUR_STEPS:
            decision_id, then = self._pending.pop(0)
            await self._ask("/outcomes", outcomes_body(decision_id, then, step))
        now_ns, account, before = self._clock.now_ns(), self._account, self._scene.prices
        value = account.value_usd(step.prices)
        answer = await self._ask("/allocate", batch_body(step, now_ns, value, account.quantities))
        targets = {each["symbol"]: each["target_quantity"] for each in answer["positions"]}
        account.trade_to(targets, step.prices)
        self._pending.append((answer["decision_id"], step))
        self._scene = Scene(
            now_ns=now_ns,
            prices=step.prices,
            returns={name: p / before.get(name, p) - 1.0 for name, p in step.prices.items()},
            value_usd=value,
            honest=[
                (decision_id, tuple(sorted({signal["symbol"] for signal in then.signals})))
                for decision_id, then in self._pending
                if then.signals
            ],
        )
        return {symbol: units * step.prices[symbol] for symbol, units in account.quantities.items()}

    async def hear(self, liar: Liar, count: int) -> None:
        """Post the lies of one step, some seconds apart."""
        for _ in range(count):
            self._clock.advance(_LIE_EVERY_SEC)
            lie = liar.lie(replace(self._scene, now_ns=self._clock.now_ns()))
            liar.fates[lie.kind, await self._tell(lie, liar)] += 1

    async def _tell(self, lie: Lie, liar: Liar) -> str:
        """Post one lie and say what became of it."""
        response = await self._client.post(lie.path, json=lie.body)
        if response.status_code == 422:
            return "refused"
        response.raise_for_status()
        answer = response.json()
        if "decision_id" in answer:
            liar.decisions.append(answer["decision_id"])
        return self._fate(lie, answer)

    def _fate(self, lie: Lie, answer: Mapping[str, Any]) -> str:
        if lie.price is not None:
            symbol, wrong = lie.price
            learnt = self._service.beliefs.market.last_price(symbol) == wrong
            return "learnt" if learnt else "disbelieved"
        if "rejected" in answer:
            return "refused" if answer["rejected"] else "learnt"
        if "ignored" in answer:
            return "ignored" if answer["ignored"] else "learnt"
        if answer["rejected_signals"]:
            return "refused"
        told = {notice["what"] for notice in answer["notices"]}
        return "disbelieved" if "value_disbelieved" in told else "learnt"

    async def beliefs(self) -> dict[str, Any]:
        """Return what is believed of the honest symbols and strategies, flat."""
        state = (await self._client.get("/state")).json()
        names = {"symbols": ",".join(SYMBOLS)}
        correlations = (await self._client.get("/portfolio/correlations", params=names)).json()
        held = {
            "market": {name: state["market"][name] for name in SYMBOLS},
            "strategies": {name: state["strategies"].get(name) for name in STRATEGIES},
            "regimes": {name: state["regimes"][name] for name in SYMBOLS},
            "peak": state["peak_portfolio_value"],
            "correlations": correlations["matrix"],
            "joint": correlations["joint_returns"],
        }
        return dict(_flat("", held))

    async def _ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        response = await self._client.post(path, content=json.dumps(body).encode())
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested data with their paths."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        yield name, value
        return
    for key, child in value.items():
        yield from _flat(f"{name}.{key}", child)
