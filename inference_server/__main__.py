"""``python -m inference_server``: one server, one worker, on the address of the settings."""

import sys
from contextlib import suppress

import uvicorn

from inference_server.main import create_app
from inference_server.settings import SettingsError, load_settings


def main() -> int:
    """Serve until SIGINT or SIGTERM; after an orderly end SIGTERM has its usual effect.

    Returns
    -------
    int
        0 after an orderly end by SIGINT, 2 if a setting is unusable, 3 if the server did not start.
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
    )
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run()
    return 0 if server.started else 3


if __name__ == "__main__":
    sys.exit(main())
