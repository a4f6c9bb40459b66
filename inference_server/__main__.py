"""``python -m inference_server``: one server, one worker, on the address of the settings."""

import sys
from contextlib import suppress
from math import ceil

import uvicorn

from edge.lifecycle import exit_zero_on_sigterm
from edge.tracing import TracingMissing
from inference_server.main import create_app
from inference_server.settings import SettingsError, load_settings


def main() -> int:
    """Serve until SIGINT or SIGTERM.

    Returns
    -------
    int
        0 after an orderly end, 2 if a setting is unusable, 3 if the server did not start.
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        application = create_app(settings)
    except TracingMissing as error:
        sys.stderr.write(f"{error}\n")
        return 2
    config = uvicorn.Config(
        application,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        # time for bodies under way and their runs; connections open after it are closed
        timeout_graceful_shutdown=ceil(settings.body_timeout_sec + settings.request_timeout_sec),
    )
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt), exit_zero_on_sigterm(lambda: server.started):
        server.run()
    return 0 if server.started else 3


if __name__ == "__main__":
    sys.exit(main())
