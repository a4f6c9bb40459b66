"""The service's log: JSON lines, and which libraries must say less."""

import logging
from typing import Final, TextIO

from edge import json_log

# below these they write down headers and URLs, and with them secrets of ours or what a peer sends
# back of them; apprise quotes whole URLs in its errors
_MIN_LEVELS: Final = {
    "apprise": logging.CRITICAL,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "requests": logging.ERROR,
    "urllib3": logging.ERROR,
    "watchfiles": logging.WARNING,
}


def configure_level(level: str) -> None:
    """Change the least severity that is logged: DEBUG, INFO, WARNING or ERROR."""
    logging.getLogger().setLevel(level)


def configure_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send all logging as JSON lines to one stream; see :func:`edge.json_log.configure_logging`."""
    json_log.configure_logging(level, stream, min_levels=_MIN_LEVELS)
