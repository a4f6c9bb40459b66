"""Real uvicorn servers of the allocation service, several in one process: ``python -m`` this.

Standard input is a JSON list of settings, one object a service. The process ends with SIGTERM.
"""

import asyncio
import json
import sys
from typing import Any

import uvicorn
import uvloop

from app.main import create_app
from app.settings import Settings


def main() -> None:
    """Serve until told to end."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(json.load(sys.stdin)))


async def _serve(services: list[dict[str, Any]]) -> None:
    servers = [_server(Settings(**settings)) for settings in services]
    await asyncio.gather(*(server.serve() for server in servers))


def _server(settings: Settings) -> uvicorn.Server:
    config = uvicorn.Config(
        create_app(settings), port=settings.port, log_level="error", access_log=False
    )
    return uvicorn.Server(config)


if __name__ == "__main__":
    main()
