"""The switches: each act is named, confirmed, and journalled with who and why."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.console.context import console_of
from app.console.errors import FormRefused
from app.console.forms import read_form, reason_in, refuse_foreign_form
from app.console.render import service_of
from app.core.types import TradingState
from app.pipeline.service import SizingService

Perform = Callable[[SizingService, str, str], Awaitable[Mapping[str, Any]]]

_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Act:
    """One thing an operator can do: its button, what it brings about, whether it stops trading."""

    name: str
    label: str
    told: str
    perform: Perform
    grave: bool = False


def _trading(state: TradingState, *, flatten: bool = False) -> Perform:
    async def perform(service: SizingService, reason: str, actor: str) -> Mapping[str, Any]:
        return await service.operating.set_trading_state(state, reason, actor, flatten=flatten)

    return perform


def _mode(mode: str) -> Perform:
    async def perform(service: SizingService, reason: str, actor: str) -> Mapping[str, Any]:
        return await service.operating.set_circuit_mode(mode, reason, actor)

    return perform


async def _reset(service: SizingService, reason: str, actor: str) -> Mapping[str, Any]:
    return await service.operating.reset_circuit(reason, actor)


TRADING: Final = (
    Act(
        "active",
        "Set ACTIVE",
        "Decisions trade again, within every limit.",
        _trading(TradingState.ACTIVE),
    ),
    Act(
        "reducing",
        "Set REDUCING",
        "From the next decision on no position grows: each target lies between zero and what is "
        "held. Batches that name no positions get no targets.",
        _trading(TradingState.REDUCING),
        grave=True,
    ),
    Act(
        "halt",
        "Set HALTED",
        "From the next decision on targets are the current positions: nothing is traded but what "
        "limits demand. Batches that name no positions get no targets.",
        _trading(TradingState.HALTED),
        grave=True,
    ),
    Act(
        "flatten",
        "Set HALTED and flatten",
        "From the next decision on every target is zero: whatever is held is to be closed.",
        _trading(TradingState.HALTED, flatten=True),
        grave=True,
    ),
)
CIRCUIT: Final = (
    Act(
        "reset",
        "Reset circuit",
        "The circuit closes with its first timeout, and the policy is asked again at once.",
        _reset,
    ),
    Act(
        "force-open",
        "Force circuit open",
        "The policy is not asked any more: Phase 2 alone decides until the circuit is set to "
        "automatic or reset.",
        _mode("forced_open"),
        grave=True,
    ),
    Act(
        "auto",
        "Set circuit to automatic",
        "Outcomes of calls open and close the circuit again, from the state they left it in.",
        _mode("auto"),
    ),
)
_ACTS: Final = {act.name: act for act in (*TRADING, *CIRCUIT)}


async def show(request: Request) -> Response:
    """Draw every switch as it stands, and who threw which lately."""
    service = service_of(request)
    done = _ACTS.get(request.query_params.get("done", ""))
    found = await service.showing.operations()
    context = {
        "trading_acts": TRADING,
        "circuit_acts": CIRCUIT,
        "done": done,
        "operations": found["operations"][:_SHOWN],
    }
    return console_of(request).renderer.page(request, "operate.html", context)


async def ask(request: Request) -> Response:
    """Ask whether it is meant, and why."""
    return _confirmation(request, _act(request), reason="", told=None)


async def perform(request: Request) -> Response:
    """Do it by the same method as the HTTP API; a missing reason asks again."""
    act = _act(request)
    form = await read_form(request)
    refuse_foreign_form(request, form, console_of(request).sessions)
    try:
        reason = reason_in(form)
    except FormRefused as refusal:
        return _confirmation(request, act, reason=form.get("reason", ""), told=str(refusal))
    await act.perform(service_of(request), reason, request.scope.get("himari.owner", ""))
    base = request.scope.get("root_path", "") + "/console"
    return RedirectResponse(f"{base}/operate?done={act.name}", 303)


def _act(request: Request) -> Act:
    act = _ACTS.get(request.path_params["act"])
    if act is None:
        raise FormRefused(404, f"there is nothing to operate at {request.url.path[:200]}")
    return act


def _confirmation(request: Request, act: Act, *, reason: str, told: str | None) -> Response:
    context = {"act": act, "reason": reason, "told": told}
    status = 200 if told is None else 422
    return console_of(request).renderer.page(request, "confirm.html", context, status=status)
