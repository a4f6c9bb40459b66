"""What a batch would get under other numbers, without touching anything."""

import math
from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.console.charts import share_of
from app.console.context import console_of
from app.console.errors import FormRefused
from app.console.examples import BATCH, batch_of_decision
from app.console.forms import read_form, refuse_foreign_form
from app.console.render import service_of
from app.core.errors import InvalidInput
from app.core.types import Batch
from app.pipeline.service import SizingService
from app.pipeline.what_if import Changes

_MOST_BYTES: Final = 1_000_000
# sized twice, on copies, between two decisions
_MOST_SIGNALS: Final = 200


async def show(request: Request) -> Response:
    """Draw the form with a batch in it: an example, or the request of a decision."""
    service = service_of(request)
    wanted = request.query_params.get("decision")
    batch = BATCH
    if wanted:
        batch = batch_of_decision((await service.showing.decision(wanted))["request"])
    text = orjson.dumps(batch, option=orjson.OPT_INDENT_2).decode()
    kelly = service.params.kelly.fraction
    fields = {"batch": text, "kelly": f"{100.0 * kelly:g}", "value": "", "severity": "0"}
    return _page(request, service, fields, {"result": None, "told": []})


async def size(request: Request) -> Response:
    """Draw the sizes beside those without the changes."""
    console, service = console_of(request), service_of(request)
    form = await read_form(request, _MOST_BYTES)
    refuse_foreign_form(request, form, console.sessions)
    fields = {name: form.get(name, "") for name in ("batch", "kelly", "value", "severity")}
    try:
        async with console.trials.hold_in_turn():
            batch = console.read_batch(request, fields["batch"].encode("utf-8", "replace"))
            result = _compared(service, batch, _changes(fields))
    except InvalidInput as error:
        told = [f"{p.path or 'The batch'}: {p.message}, was {p.was!r:.120}" for p in error.problems]
        return _page(request, service, fields, {"result": None, "told": told}, status=422)
    except FormRefused as error:
        outcome = {"result": None, "told": [str(error)]}
        return _page(request, service, fields, outcome, status=error.status, headers=error.headers)
    return _page(request, service, fields, {"result": result, "told": []})


def _page(
    request: Request,
    service: SizingService,
    fields: Mapping[str, str],
    outcome: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    context = {
        "fields": fields,
        "kelly_now": 100.0 * service.params.kelly.fraction,
        "most": _MOST_SIGNALS,
        **outcome,
    }
    # a fragment whose status is an error would not be put on the page
    drawn_into = "hx-request" in request.headers
    return console_of(request).renderer.page(
        request, "what_if.html", context, status=200 if drawn_into else status, headers=headers
    )


def _changes(fields: Mapping[str, str]) -> Changes:
    kelly = _number("Kelly fraction", fields["kelly"], 0.0, 100.0)
    severity = _number("cascade severity", fields["severity"], 0.0, 100.0)
    value = _number("portfolio value", fields["value"], 1e-6, 1e15)
    return Changes(
        kelly_fraction=None if kelly is None else kelly / 100.0,
        portfolio_value=value,
        cascade_severity=(severity or 0.0) / 100.0,
    )


def _number(name: str, text: str, low: float, high: float) -> float | None:
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise FormRefused(422, f"{name} must be from {low:g} to {high:g}, was {text[:40]!r}")
    return value


def _compared(service: SizingService, batch: Batch, changes: Changes) -> dict[str, Any]:
    if len(batch.signals) > _MOST_SIGNALS:
        raise FormRefused(413, f"at most {_MOST_SIGNALS} signals are tried out at once")
    plain, changed = service.what_if(batch, Changes()), service.what_if(batch, changes)
    before, after = plain["allocations"], changed["allocations"]
    symbols = sorted({*before, *after}, key=lambda name: -abs(after.get(name, 0.0)))
    widest = max((abs(usd) for usd in (*before.values(), *after.values())), default=0.0)
    rows = [
        {
            "symbol": name,
            "before": before.get(name, 0.0),
            "after": after.get(name, 0.0),
            "weight": after.get(name, 0.0) / changed["portfolio_value"],
            "before_bar": share_of(before.get(name, 0.0), widest),
            "after_bar": share_of(after.get(name, 0.0), widest),
        }
        for name in symbols
    ]
    return {"rows": rows, "plain": plain, "changed": changed}
