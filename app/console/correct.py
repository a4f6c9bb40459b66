"""Forms that correct what was learnt of a symbol, withdraw an outcome, and end signals."""

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.console.context import console_of
from app.console.errors import FormRefused
from app.console.forms import read_form, read_reason, require_csrf_token
from app.console.render import service_of
from app.core.errors import InvalidInput, UnknownSymbol
from app.pipeline.service import SizingService

Perform = Callable[[SizingService, Mapping[str, str], str, str], Awaitable[None]]

_LONGEST_NAME: Final = 256


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of a form: its name, its label, and whether it is a number."""

    name: str
    label: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Correction:
    """One correction: its button, its effect, its fields, whether it cannot be undone."""

    name: str
    label: str
    effect: str
    entries: tuple[Entry, ...]
    perform: Perform
    destructive: bool = False


async def _accept(service: SizingService, form: Mapping[str, str], reason: str, actor: str) -> None:
    price = _positive(form, "price")
    await service.correcting.accept_price(_name(form, "symbol"), price, reason, actor)


async def _split(service: SizingService, form: Mapping[str, str], reason: str, actor: str) -> None:
    ratio = _positive(form, "ratio")
    await service.correcting.split_symbol(_name(form, "symbol"), ratio, reason, actor)


async def _forget(service: SizingService, form: Mapping[str, str], reason: str, actor: str) -> None:
    await service.correcting.forget_symbol(_name(form, "symbol"), reason, actor)


async def _withdraw(
    service: SizingService, form: Mapping[str, str], reason: str, actor: str
) -> None:
    pair = (_name(form, "decision_id"), _name(form, "symbol"))
    report = await service.learning.withdraw_outcomes([pair], reason, actor)
    if not report["withdrawn"]:
        raise FormRefused(422, "no outcome of that decision and symbol is counted")


async def _end_signals(
    service: SizingService, form: Mapping[str, str], reason: str, actor: str
) -> None:
    strategy_id, symbol = _name(form, "strategy_id"), _name(form, "symbol")
    report = await service.standing.end(strategy_id, symbol, reason, actor)
    if not report["ended"]:
        raise FormRefused(422, "no signal of that strategy and symbol is in force")


_SYMBOL: Final = Entry("symbol", "Symbol")
CORRECTIONS: Final = (
    Correction(
        "accept",
        "Accept a price",
        "The price is believed at once. No return is learnt across the step from the last one.",
        (_SYMBOL, Entry("price", "Price (USD a unit)", is_number=True)),
        _accept,
    ),
    Correction(
        "split",
        "Split a symbol",
        "The last price is divided by the ratio. Returns stay as they are.",
        (_SYMBOL, Entry("ratio", "Ratio (new units per old one)", is_number=True)),
        _split,
    ),
    Correction(
        "forget",
        "Forget a symbol",
        "Its last price, returns, volatility and correlations are gone.",
        (_SYMBOL,),
        _forget,
        destructive=True,
    ),
    Correction(
        "withdraw",
        "Withdraw an outcome",
        "Records and comparison become what they were without it. It may be posted once more.",
        (Entry("decision_id", "Decision"), _SYMBOL),
        _withdraw,
        destructive=True,
    ),
    Correction(
        "end-signals",
        "End standing signals",
        "What the strategy said of the symbol is in force no more. A position stays as it is.",
        (Entry("strategy_id", "Strategy"), _SYMBOL),
        _end_signals,
    ),
)
BY_NAME: Final = {correction.name: correction for correction in CORRECTIONS}


async def show_form(request: Request) -> Response:
    """Return the form of a correction; the query may fill in its fields."""
    return _form(request, _correction(request), request.query_params, message=None)


async def perform(request: Request) -> Response:
    """Correct by the same method as the HTTP API; a refused form is shown again with the reason."""
    correction = _correction(request)
    form = await read_form(request)
    require_csrf_token(request, form, console_of(request).sessions)
    actor = request.scope.get("himari.owner", "")
    try:
        await correction.perform(service_of(request), form, read_reason(form), actor)
    except (FormRefused, UnknownSymbol, InvalidInput) as refusal:
        return _form(request, correction, form, message=str(refusal))
    base = request.scope.get("root_path", "") + "/console"
    return RedirectResponse(f"{base}/operate?done={correction.name}", 303)


def _name(form: Mapping[str, str], field: str) -> str:
    value = form.get(field, "").strip()
    if not value or len(value) > _LONGEST_NAME or not value.isprintable():
        raise FormRefused(422, f"{field} must be 1 to {_LONGEST_NAME} printable characters")
    return value


def _positive(form: Mapping[str, str], field: str) -> float:
    text = form.get(field, "").strip()
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise FormRefused(422, f"{field} must be a number > 0, was {text[:40]!r}")
    return value


def _correction(request: Request) -> Correction:
    found = BY_NAME.get(request.path_params["correction"])
    if found is None:
        raise FormRefused(404, f"there is nothing to correct at {request.url.path[:200]}")
    return found


def _form(
    request: Request, correction: Correction, values: Mapping[str, str], *, message: str | None
) -> Response:
    context = {
        "correction": correction,
        "values": {entry.name: values.get(entry.name, "") for entry in correction.entries},
        "reason": values.get("reason", ""),
        "message": message,
    }
    status = 200 if message is None else 422
    return console_of(request).renderer.page(request, "correct.html", context, status=status)
