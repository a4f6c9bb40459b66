"""``himari serve``: one service, one worker, on the address of the settings."""

import asyncio
import os
import socket
from typing import Final

import uvicorn
from typer import echo

from app.adapters.journal_sql import SqlJournal
from app.commands.refusal import CommandRefused
from app.main import create_app
from app.settings import Settings, load_settings
from app.settings_values import without_password

STARTUP_FAILED: Final = 3


def serve() -> int:
    """Serve until SIGINT or SIGTERM; what can be known beforehand is refused in a sentence.

    Returns
    -------
    int
        0 after an orderly end, 3 if the application did not start.

    Raises
    ------
    SettingsError
        If a setting is unknown or out of range.
    CommandRefused
        If the address cannot be listened on.
    JournalUnavailable
        If the journal cannot be opened.
    """
    settings = load_settings()
    with listen(settings.host, settings.port) as listening:
        asyncio.run(_open_once(settings))
        host, port = listening.getsockname()[:2]
        journal = without_password(settings.database_url)
        echo(f"http://{host}:{port} (mode {settings.mode}, journal {journal}), docs at /docs")
        config = uvicorn.Config(create_app(settings), log_config=None, access_log=False)
        server = uvicorn.Server(config)
        server.run(sockets=[listening])
    return 0 if server.started else STARTUP_FAILED


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


async def _open_once(settings: Settings) -> None:
    journal = SqlJournal(settings.database_url, synchronous=settings.synchronous)
    await journal.open()
    await journal.close()
