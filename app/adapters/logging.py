"""One JSON object a line on stderr, from structlog and from the standard library alike."""

import logging
import sys
from typing import Any, Final, TextIO

import structlog

_SHARED: Final[list[Any]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    # Plain tracebacks: a renderer that shows locals would write keys and bodies to the log.
    structlog.processors.format_exc_info,
]
# below these they write down headers and URLs, and with them secrets of ours or what a peer sends
# back of them; apprise and the exporter of traces quote whole URLs in their errors
_TALKATIVE: Final = {
    "apprise": logging.CRITICAL,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "opentelemetry.exporter": logging.CRITICAL,
    "opentelemetry.sdk.trace.export": logging.CRITICAL,
    "opentelemetry.util.re": logging.CRITICAL,
    "requests": logging.ERROR,
    "urllib3": logging.ERROR,
    "watchfiles": logging.WARNING,
}


def configure_level(level: str) -> None:
    """Change the least severity that is logged: DEBUG, INFO, WARNING or ERROR."""
    logging.getLogger().setLevel(level)


def configure_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send all logging as JSON lines to one stream; calling it again replaces the former.

    Parameters
    ----------
    level : str
        DEBUG, INFO, WARNING or ERROR.
    stream : text stream, optional
        stderr where absent.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name, least in _TALKATIVE.items():
        logging.getLogger(name).setLevel(least)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
