"""The switches of the operator: each act is confirmed, and journalled with actor and reason."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.console.context import console_of
from app.console.correct import BY_NAME as CORRECTION_OF
from app.console.correct import CORRECTIONS
from app.console.errors import FormRefused
from app.console.forms import read_form, read_reason, require_csrf_token
from app.console.render import service_of
from app.core.types import TradingState
from app.pipeline.service import SizingService

Perform = Callable[[SizingService, str, str], Awaitable[Mapping[str, Any]]]

_SHOWN: Final = 10
_LISTED: Final = 50


@dataclass(frozen=True, slots=True)
class Act:
    """One act of an operator: its button, its effect, whether it stops trading or the policy."""

    name: str
    label: str
    effect: str
    perform: Perform
    destructive: bool = False


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
        destructive=True,
    ),
    Act(
        "halt",
        "Set HALTED",
        "From the next decision on targets are the current positions: nothing is traded but what "
        "limits demand. Batches that name no positions get no targets.",
        _trading(TradingState.HALTED),
        destructive=True,
    ),
    Act(
        "flatten",
        "Set HALTED and flatten",
        "From the next decision on every target is zero: whatever is held is to be closed.",
        _trading(TradingState.HALTED, flatten=True),
        destructive=True,
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
        destructive=True,
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
    """Return the page of all switches and corrections with their state and the last acts."""
    service = service_of(request)
    name = request.query_params.get("done", "")
    found = await service.showing.operations()
    context = {
        "trading_acts": TRADING,
        "circuit_acts": CIRCUIT,
        "corrections": CORRECTIONS,
        "doubted": _doubted(service),
        "apart": await _set_apart(service),
        "done": _ACTS.get(name) or CORRECTION_OF.get(name),
        "operations": found["operations"][:_SHOWN],
    }
    return console_of(request).renderer.page(request, "operate.html", context)


def _doubted(service: SizingService) -> list[dict[str, Any]]:
    """Return the symbols whose newest price is not believed, with both prices, by name."""
    market = service.beliefs.market
    runs = ((symbol, market.run_of(symbol)) for symbol in sorted(market.symbols()))
    found = [
        {"symbol": symbol, "believed": market.last_price(symbol), "seen": run.last, "n": run.count}
        for symbol, run in runs
        if run is not None
    ]
    return found[:_LISTED]


async def _set_apart(service: SizingService) -> list[dict[str, Any]]:
    """Return the positions without a price of the newest decision of this process."""
    recent = service.showing.recent()
    if not recent:
        return []
    answer = (await service.showing.decision(recent[0].decision_id))["answer"]
    found = [position for position in answer["positions"] if position.get("set_apart")]
    return found[:_LISTED]


async def show_confirmation(request: Request) -> Response:
    """Return the page that asks for confirmation and a reason."""
    return _confirmation(request, _act(request), reason="", message=None)


async def perform(request: Request) -> Response:
    """Do it by the same method as the HTTP API; a missing reason asks again."""
    act = _act(request)
    form = await read_form(request)
    require_csrf_token(request, form, console_of(request).sessions)
    try:
        reason = read_reason(form)
    except FormRefused as refusal:
        return _confirmation(request, act, reason=form.get("reason", ""), message=str(refusal))
    await act.perform(service_of(request), reason, request.scope.get("himari.owner", ""))
    base = request.scope.get("root_path", "") + "/console"
    return RedirectResponse(f"{base}/operate?done={act.name}", 303)


def _act(request: Request) -> Act:
    act = _ACTS.get(request.path_params["act"])
    if act is None:
        raise FormRefused(404, f"there is nothing to operate at {request.url.path[:200]}")
    return act


def _confirmation(request: Request, act: Act, *, reason: str, message: str | None) -> Response:
    context = {"act": act, "reason": reason, "message": message}
    status = 200 if message is None else 422
    return console_of(request).renderer.page(request, "confirm.html", context, status=status)
