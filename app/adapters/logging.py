"""The service's log as JSON lines, with a lowest level for some libraries."""

import logging
from typing import Final, TextIO

from edge import json_log

# below these levels they log headers and URLs, which may hold secrets of ours, or ours as a peer
# sent them back; apprise quotes whole URLs in its errors
_MIN_LEVELS: Final = {
    "apprise": logging.CRITICAL,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "requests": logging.ERROR,
    "urllib3": logging.ERROR,
    "watchfiles": logging.WARNING,
}


def configure_level(level: str) -> None:
    """Change the lowest level that is logged: DEBUG, INFO, WARNING or ERROR."""
    logging.getLogger().setLevel(level)


def configure_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send all logging as JSON lines to one stream; see :func:`edge.json_log.configure_logging`."""
    json_log.configure_logging(level, stream, min_levels=_MIN_LEVELS)
