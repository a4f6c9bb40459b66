"""``himari serve``: one service, one worker, on the address of the settings."""

import asyncio
import os
import socket
from math import ceil
from typing import Final

import uvicorn
from typer import echo

from app.adapters.clock import SystemClock
from app.adapters.journal.sql import SqlJournal
from app.api.gate.early_refusal import early_refusal
from app.commands.bounded_http import bounded_http
from app.commands.refusal import CommandRefused
from app.main import create_app
from app.pipeline.starting import is_new_journal
from app.settings import Settings, certificate_problem, load_settings
from edge.lifecycle import exit_zero_on_sigterm
from edge.locality import is_remote_address

STARTUP_FAILED: Final = 3
_JOURNAL_SEC: Final = 5.0


def serve(ssl_certfile: str | None = None, ssl_keyfile: str | None = None) -> int:
    """Serve until SIGINT or SIGTERM; what can be known beforehand is refused in a sentence.

    Parameters
    ----------
    ssl_certfile, ssl_keyfile : str, optional
        PEM files in the place of the settings' own.

    Returns
    -------
    int
        0 after an orderly end, 3 if the application did not start.

    Raises
    ------
    SettingsError
        If a setting is unknown or out of range.
    CommandRefused
        If the address cannot be listened on, or other machines reach it and no key is set.
    JournalUnavailable
        If the journal cannot be opened, or is not of this build.
    """
    settings = with_certificate(load_settings(check_files=True), ssl_certfile, ssl_keyfile)
    refuse_open_service(settings)
    with listen(settings.host, settings.port) as listening:
        echo(_banner(settings, listening, _journal_in_words(settings)))
        server = uvicorn.Server(_configured(settings))
        with exit_zero_on_sigterm(lambda: server.started):
            server.run(sockets=[listening])
    return 0 if server.started else STARTUP_FAILED


def _configured(settings: Settings) -> uvicorn.Config:
    application = create_app(settings)
    return uvicorn.Config(
        application,
        http=bounded_http(
            settings.max_header_bytes,
            settings.header_timeout_sec,
            early_refusal=early_refusal(application.state.admission),
        ),
        log_config=None,
        access_log=False,
        server_header=False,
        # bodies under way, then the policy, then the journal; whoever is in longer is cut
        timeout_graceful_shutdown=ceil(
            settings.body_timeout_sec + settings.rl_timeout_sec + _JOURNAL_SEC
        ),
        ssl_certfile=settings.ssl_certfile,
        ssl_keyfile=settings.ssl_keyfile,
    )


def _banner(settings: Settings, listening: socket.socket, journal: str) -> str:
    host, port = listening.getsockname()[:2]
    place = f"[{host}]" if ":" in host else host
    scheme = "https" if settings.ssl_certfile else "http"
    return f"{scheme}://{place}:{port} (mode {settings.mode}, journal {journal}), docs at /docs"


def with_certificate(
    settings: Settings, ssl_certfile: str | None, ssl_keyfile: str | None
) -> Settings:
    """Put a certificate that was named on the command line in the place of the settings' own.

    Raises
    ------
    CommandRefused
        If it cannot be served.
    """
    if ssl_certfile is None and ssl_keyfile is None:
        return settings
    certificate = ssl_certfile or settings.ssl_certfile
    if certificate is None:
        raise CommandRefused("--ssl-keyfile needs --ssl-certfile beside it")
    problem = certificate_problem(certificate, ssl_keyfile)
    if problem is not None:
        raise CommandRefused(f"--ssl-certfile: {certificate} {problem}")
    changed = {"ssl_certfile": certificate, "ssl_keyfile": ssl_keyfile}
    return settings.model_copy(update=changed)


def refuse_open_service(settings: Settings) -> None:
    """Refuse an address that other machines reach while no key is asked for.

    Raises
    ------
    CommandRefused
        With what to do.
    """
    if settings.guarded or is_loopback(settings.host):
        return
    raise CommandRefused(
        f"HIMARI_HOST is {settings.host}, which other machines reach, and no API key is set: "
        "set HIMARI_API_KEYS, or make a key with `himari keys new NAME` and set HIMARI_KEYS_FILE "
        "to its file; 127.0.0.1 needs none"
    )


def is_loopback(host: str) -> bool:
    """Whether every address of a host is this machine's loopback; False where it has none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(not is_remote_address(str(address[0])) for *_, address in found)


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket itself, so that no other program can come in between.

    Raises
    ------
    CommandRefused
        If it cannot be opened.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address, family=family, backlog=2048)
    except OSError as error:
        raise CommandRefused(
            f"cannot listen on {host}:{port}: {_reason(error)}; another program may have the "
            "port, set HIMARI_PORT to a free one (0 takes any)"
        ) from error


def _reason(error: OSError) -> str:
    """Name the fault; the library's own text repeats the address in its words."""
    number = error.errno
    return os.strerror(number) if number is not None and number > 0 else str(error)


def _journal_in_words(settings: Settings) -> str:
    """Read the journal once; return where it is, and whether it is new."""
    journal = SqlJournal(settings.database_url, synchronous=settings.synchronous)
    new = asyncio.run(is_new_journal(journal, settings.to_engine_params(), SystemClock()))
    if not new:
        return journal.place()
    return f"{journal.place()}, new, {settings.trading_state_at_first} at first"
