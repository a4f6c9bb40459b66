"""``himari doctor``: what would keep the service from working here, and how to mend it."""

import asyncio
import importlib.metadata
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import httpx
from sqlalchemy import make_url
from typer import echo

from app.adapters.clock import SystemClock
from app.adapters.journal.sql import SqlJournal
from app.adapters.policy.http import HttpPolicyClient
from app.commands.keys import FILE_NAME as KEYS_NAME
from app.commands.own_service import service_client, service_url
from app.commands.refusal import CommandRefused
from app.commands.serve import is_loopback, listen
from app.commands.starter import CONFIG_NAME
from app.core.errors import JournalHeld, JournalUnavailable, PolicyFailure
from app.core.types import FallbackReason
from app.facade import ColabProCircuitBreaker, TacticalSignal, TransformerRLClient
from app.facade.host_log import log_through_the_host
from app.facade.options import policy_options
from app.pipeline.starting import is_new_journal
from app.settings import Settings, SettingsError, load_settings, without_password

PACKAGE: Final = "himari-layer3"
CONFIG_VARIABLE: Final = "HIMARI_CONFIG_FILE"
_PROBE: Final = TacticalSignal(
    strategy_id="doctor",
    symbol="BTC-USD",
    action="BUY",
    confidence=0.5,
    risk_score=0.5,
    regime="RANGING",
    expected_return=0.01,
    predicted_volatility=0.2,
)
_POLICY_REMEDIES: Final = {
    FallbackReason.CONNECTION_ERROR: "start the policy server there, or set HIMARI_RL_ENDPOINT",
    FallbackReason.TIMEOUT: "see why it is slow, or raise HIMARI_RL_TIMEOUT_SEC",
    FallbackReason.BAD_STATUS: "check the path of HIMARI_RL_ENDPOINT, HIMARI_RL_API_KEY, its log",
    FallbackReason.INVALID_PREDICTION: (
        "make it answer position_pct in [-1, 1], confidence in [0, 1], predicted_return, "
        "predicted_volatility and model_version as finite JSON numbers and text"
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what was found, and how to mend it where it is not well."""

    level: Literal["OK", "WARN", "FAIL"]
    subject: str
    text: str
    remedy: str = ""

    def line(self) -> str:
        """One line of plain ASCII."""
        remedy = f"; mend: {self.remedy}" if self.remedy else ""
        text = f"{self.level:<5} {self.subject:<9} {self.text}{remedy}"
        return " ".join(text.encode("ascii", "backslashreplace").decode().splitlines())


def doctor() -> int:
    """Look at everything, print a line for each, change nothing.

    Returns
    -------
    int
        1 if something would keep the service from working as it is set, else 0.
    """
    log_through_the_host()
    failed = False
    for finding in run_checks():
        echo(finding.line())
        failed |= finding.level == "FAIL"
    return 1 if failed else 0


def run_checks() -> Iterator[Finding]:
    """Look at packages, settings, access, port, journal and policy, in this order."""
    yield check_packages()
    try:
        settings = load_settings(check_files=True)
    except SettingsError as error:
        for problem in error.problems:
            yield Finding("FAIL", "settings", problem, "correct it, or unset it for the default")
        yield Finding("WARN", "rest", "port, journal and policy need readable settings first")
        return
    yield check_settings(settings)
    yield check_access(settings)
    yield check_port(settings)
    yield check_journal(settings)
    yield check_policy(settings)


def check_packages() -> Finding:
    """Check that every package the service needs is installed."""
    try:
        required = importlib.metadata.requires(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        return Finding("FAIL", "packages", f"{PACKAGE} is not installed", "make install")
    needed = [entry for entry in required if "extra ==" not in entry]
    names = [re.split(r"[^A-Za-z0-9._-]", entry, maxsplit=1)[0] for entry in needed]
    missing = [name for name in names if not _is_installed(name)]
    if missing:
        return Finding("FAIL", "packages", f"not installed: {', '.join(missing)}", "make install")
    return Finding("OK", "packages", f"all {len(names)} are installed")


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def check_settings(settings: Settings) -> Finding:
    """Say where the settings come from; a file that nobody reads is worth a warning."""
    named = settings.config_file
    if not named and Path(CONFIG_NAME).exists():
        text = f"{CONFIG_NAME} stands here but is not read"
        return Finding("WARN", "settings", text, f"set {CONFIG_VARIABLE}={CONFIG_NAME}")
    return Finding("OK", "settings", f"mode {settings.mode}, file {named or 'none'}")


def check_access(settings: Settings) -> Finding:
    """Check who gets in, and whether keys travel where others can read them."""
    if not settings.keys_file and Path(KEYS_NAME).exists():
        text = f"{KEYS_NAME} stands here but is not read"
        return Finding("WARN", "access", text, f"set HIMARI_KEYS_FILE={KEYS_NAME}")
    local = is_loopback(settings.host)
    if not settings.guarded:
        if local:
            return Finding("OK", "access", "no key is set: this machine alone is served")
        text = f"HIMARI_HOST is {settings.host} and no API key is set: serve would refuse"
        return Finding("FAIL", "access", text, "himari keys new NAME, then set HIMARI_KEYS_FILE")
    if not local and settings.ssl_certfile is None:
        text = f"keys travel in clear text to {settings.host}"
        remedy = "set HIMARI_SSL_CERTFILE, or let a proxy on this machine end TLS"
        return Finding("WARN", "access", text, remedy)
    if settings.rl_api_key is not None and _is_clear_text(settings.rl_endpoint):
        text = "HIMARI_RL_API_KEY travels in clear text to another machine"
        return Finding("WARN", "access", text, "use https in HIMARI_RL_ENDPOINT")
    tls = "without TLS" if settings.ssl_certfile is None else "with TLS"
    return Finding("OK", "access", f"keys are asked for, {tls}")


def _is_clear_text(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def check_port(settings: Settings) -> Finding:
    """Check that the address can be listened on, or that the service already does."""
    address = f"{settings.host}:{settings.port}"
    try:
        listen(settings.host, settings.port).close()
    except CommandRefused as error:
        if settings.port and _service_answers(settings):
            return Finding("OK", "port", f"the service runs at {address}")
        return Finding(
            "FAIL", "port", str(error).partition(";")[0], "set HIMARI_PORT to a free one"
        )
    return Finding("OK", "port", f"{address} is free")


def _service_answers(settings: Settings) -> bool:
    try:
        with service_client(settings, 2.0) as client:
            reply = client.get(f"{service_url(settings)}/health/live")
            return bool(reply.json() == {"status": "alive"})
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return False


def check_journal(settings: Settings) -> Finding:
    """Open the journal as the service would; a SQLite file that is not there is not made."""
    shown = without_password(settings.database_url)
    path = sqlite_path(settings.database_url)
    if path is not None:
        folder = path.resolve().parent
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            text = f"the directory {folder} is missing or cannot be written"
            return Finding("FAIL", "journal", text, "make it writable, or set HIMARI_DATABASE_URL")
        if not path.exists():
            return Finding("OK", "journal", f"{shown} will be made by the first start")
        if not os.access(path, os.W_OK):
            text = f"{path} cannot be written"
            return Finding("FAIL", "journal", text, "give its permissions back")
    try:
        journal = SqlJournal(settings.database_url, synchronous=settings.synchronous)
        asyncio.run(is_new_journal(journal, settings.to_engine_params(), SystemClock()))
    except JournalHeld as error:
        return Finding("OK", "journal", f"in use, so not opened beside it: {error}")
    except JournalUnavailable as error:
        return Finding("FAIL", "journal", f"{shown}: {error}", _journal_remedy(str(error)))
    return Finding("OK", "journal", f"{journal.place()} opens and is of this program's schema")


def sqlite_path(url: str) -> Path | None:
    """File of a SQLite URL; None for another database."""
    parsed = make_url(url)
    return Path(parsed.database) if parsed.drivername == "sqlite" and parsed.database else None


def _journal_remedy(problem: str) -> str:
    if "is of rules" in problem or "not known to this build" in problem:
        return "as it says; HIMARI_DATABASE_URL names the journal"
    if "newer" in problem:
        return "run the newer program, or set HIMARI_DATABASE_URL to another journal"
    return "start the database or correct HIMARI_DATABASE_URL; an unreadable file can be moved away"


def check_policy(settings: Settings) -> Finding:
    """Ask the policy server once, as a decision would."""
    if settings.mode != "real":
        off = "off: every decision is Phase 2's" if settings.mode == "fallback" else "a seeded mock"
        return Finding("OK", "policy", off)
    shown = without_password(settings.rl_endpoint)
    client = TransformerRLClient(
        settings.rl_endpoint,
        settings.rl_timeout_sec,
        ColabProCircuitBreaker(enable_metrics=False),
        policy=HttpPolicyClient(
            settings.rl_endpoint,
            settings.rl_timeout_sec,
            clock=SystemClock(),
            options=policy_options(settings),
        ),
    )
    try:
        prediction = client.predict(_PROBE)
    except PolicyFailure as error:
        remedy = _POLICY_REMEDIES.get(error.reason, "see its log")
        return Finding("FAIL", "policy", f"{shown}: {error}", remedy)
    finally:
        client.stop()
    least = settings.rl_min_confidence
    if prediction.confidence < least:
        text = f"{shown} answers with confidence {prediction.confidence:g}, below {least:g}"
        return Finding(
            "WARN", "policy", text, "predictions below HIMARI_RL_MIN_CONFIDENCE count not"
        )
    return Finding("OK", "policy", f"{shown} answers, model {prediction.model_version}")
