"""Logging as JSON lines on stderr, for structlog and the standard library alike."""

import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict

# set by every request; structlog's own context costs ten times as much to set
REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
# set where requests are traced
TRACE_ID: Final[ContextVar[str | None]] = ContextVar("trace_id", default=None)


def add_request_ids(logger: Any, method: str, event: EventDict) -> EventDict:
    """Return the log event with the ids of the current request; a structlog processor."""
    del logger, method
    ids = {"request_id": REQUEST_ID.get(), "trace_id": TRACE_ID.get()}
    return {**event, **{name: value for name, value in ids.items() if value is not None}}


_SHARED: Final[list[Any]] = [
    structlog.contextvars.merge_contextvars,
    add_request_ids,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    # Plain tracebacks: a renderer that shows locals would write keys and bodies to the log.
    structlog.processors.format_exc_info,
]
# below these levels they log URLs and headers of the trace receiver, which may hold secrets
_MIN_LEVELS: Final = {
    "opentelemetry.exporter": logging.CRITICAL,
    "opentelemetry.sdk.trace.export": logging.CRITICAL,
    "opentelemetry.util.re": logging.CRITICAL,
    "requests": logging.CRITICAL,
    "urllib3": logging.CRITICAL,
}
_NONE: Final[Mapping[str, int]] = MappingProxyType({})


def configure_logging(
    level: str = "INFO", stream: TextIO | None = None, *, min_levels: Mapping[str, int] = _NONE
) -> None:
    """Send all logging as JSON lines to one stream, in place of the stream before.

    Parameters
    ----------
    level : str
        DEBUG, INFO, WARNING or ERROR.
    stream : text stream, optional
        stderr where absent.
    min_levels : mapping of logger name to lowest level that is logged, optional
        For libraries of the server that would log secrets; those of tracing are built in.
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
    for name, least in {**_MIN_LEVELS, **min_levels}.items():
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
