"""``himari allocate``: one batch from a file to targets on the screen."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from typer import echo

from app.api.request.body import validate
from app.api.request.schemas import AllocateRequest
from app.api.request.strict_json import strict_json
from app.commands.own_service import service_client, service_url
from app.commands.refusal import CommandRefused
from app.core.access import is_entry
from app.core.errors import InvalidInput
from app.facade.options import engine_arguments
from app.settings import Settings, load_settings

_ANSWER_SEC: Final = 60.0


@dataclass(frozen=True, slots=True)
class AllocateOptions:
    """Where to ask and how to show it; without ``url`` the settings' own address."""

    url: str | None = None
    api_key: str | None = None
    dry_run: bool = False
    local: bool = False
    as_json: bool = False


def allocate(file: str, options: AllocateOptions) -> int:
    """Size the batch of a file (``-`` is standard input) and print the targets.

    Returns
    -------
    int
        0.

    Raises
    ------
    CommandRefused
        If the file cannot be read, nobody answers, or the service refuses.
    InvalidInput
        If the batch breaks the schema or a range, with ``local``.
    """
    body = _read(file)
    answer = _in_process(body) if options.local else _from_service(body, options)
    if options.as_json:
        echo(json.dumps(answer, indent=1))
    else:
        echo("\n".join(answer_lines(answer)))
    return 0


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandRefused(f"{file} cannot be read: {error.strerror or error}") from error


def _in_process(body: bytes) -> dict[str, Any]:
    from app.facade import Layer3Phase3Hybrid  # noqa: PLC0415 (a second, only where it is needed)

    data = strict_json(body)
    try:
        asked = validate(data, AllocateRequest)
    except InvalidInput as error:
        raise CommandRefused("\n".join(_problem_lines(_as_wire(error)))) from error
    arguments = engine_arguments(load_settings())
    try:
        built = Layer3Phase3Hybrid(**arguments)
    except ValueError as error:
        raise CommandRefused(str(error)) from error
    with built as hybrid:
        return hybrid.process_signals(
            asked.signals,
            data["cascade_indicators"],
            asked.current_prices,
            asked.market_data,
            current_positions=asked.current_positions,
            portfolio_value=asked.portfolio_value,
        ).to_dict()


def _from_service(body: bytes, options: AllocateOptions) -> dict[str, Any]:
    base, key = options.url, options.api_key
    if base is None:
        settings = load_settings()
        base, key = service_url(settings), key or _first_key(settings)
        client = _own_client(settings)
    else:
        client = httpx.Client(trust_env=False, timeout=_ANSWER_SEC)
    headers = {"content-type": "application/json"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    query = {"dry_run": "true"} if options.dry_run else {}
    try:
        with client:
            reply = client.post(
                f"{base.rstrip('/')}/allocate", params=query, content=body, headers=headers
            )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CommandRefused(
            f"no service answers at {base} ({error}); start one with `himari serve`, name it with "
            "--url, or compute in process with --local"
        ) from error
    return _answer_of(reply)


def _own_client(settings: Settings) -> httpx.Client:
    try:
        return service_client(settings, _ANSWER_SEC)
    except (OSError, ValueError) as error:
        raise CommandRefused(
            f"HIMARI_SSL_CERTFILE: {settings.ssl_certfile} cannot be trusted: {error}"
        ) from error


def _first_key(settings: Settings) -> str | None:
    """Find a key that can be sent: of the others only the hash is here."""
    keys = [key.get_secret_value() for key in settings.api_keys]
    return next((key for key in keys if not is_entry(key)), None)


def _answer_of(reply: httpx.Response) -> dict[str, Any]:
    try:
        content = reply.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise CommandRefused(
            f"{reply.request.url} answered {reply.status_code} without JSON; is it the service?"
        )
    if reply.is_success:
        return content
    raise CommandRefused("\n".join(_problem_lines({"status": reply.status_code, **content})))


def _as_wire(error: InvalidInput) -> dict[str, Any]:
    problems = [{"path": p.path, "message": p.message, "was": p.was} for p in error.problems]
    return {"title": "The batch is not valid", "errors": problems}


def _problem_lines(problem: Mapping[str, Any]) -> Iterator[str]:
    status = f" ({problem['status']})" if "status" in problem else ""
    said = problem.get("detail") or problem.get("title") or "refused"
    yield f"{said}{status}"
    for entry in problem.get("errors") or ():
        yield f"  {entry['path'] or 'body'} {entry['message']}, was {entry['was']!r}"


def answer_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """Targets as a table of plain ASCII, what holds them down, and what to know."""
    reason = f" ({answer['fallback_reason']})" if answer["fallback_reason"] else ""
    yield f"strategy {answer['strategy']}{reason}, mode {answer['mode']}"
    yield (
        f"{'symbol':<16} {'target USD':>14} {'Phase 2 USD':>14} {'weight':>8} "
        f"{'quantity':>14} {'trade':>14}"
    )
    for row in answer["positions"]:
        yield _position_line(row, answer["baseline_allocations"].get(row["symbol"], 0.0))
    yield (
        f"total {answer['total_allocated_usd']:,.2f} USD of {answer['portfolio_value']:,.2f}, "
        f"{answer['utilization_pct']:.1f} % used"
    )
    risk = answer["risk"]
    yield (
        f"volatility {risk['volatility']:.2%} over {risk['horizon_sec']:,.6g} s, expected "
        f"shortfall {risk['es_95']:.2%}, held now {risk['current']['volatility']:.2%}"
    )
    cascade = answer["cascade"]
    yield f"cascade {cascade['risk_score']:.3f} {cascade['recommendation']}"
    for limit in answer["binding_limits"]:
        yield f"limit: {limit['limit']} {_ascii(limit['id'])} at {limit['limit_usd']:,.2f} USD"
    for signal in answer["rejected_signals"]:
        yield f"rejected: signal {signal['index']} {_ascii(signal['symbol'])}: {signal['reason']}"
    for warning in answer["warnings"]:
        yield f"warning: {_ascii(warning)}"


def _position_line(row: Mapping[str, Any], baseline: float) -> str:
    quantities = f"{row['target_quantity']:>14,.6g} {row['trade_quantity']:>14,.6g}"
    if row["target_usd"] is None:
        values = f"{'no price':>14} {'-':>14} {'-':>8}"
    else:
        values = f"{row['target_usd']:>14,.2f} {baseline:>14,.2f} {row['weight']:>8.2%}"
    return f"{_ascii(row['symbol']):<16} {values} {quantities}"


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode()
