"""One JSON object a line on stderr, from structlog and from the standard library alike."""

import logging
import sys
from contextvars import ContextVar
from typing import Any, Final, TextIO

import structlog

# set by every request; structlog's own context costs ten times as much to set
REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
# set where requests are traced
TRACE_ID: Final[ContextVar[str | None]] = ContextVar("trace_id", default=None)


def _with_ids(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    del logger, method
    ids = {"request_id": REQUEST_ID.get(), "trace_id": TRACE_ID.get()}
    return event | {name: value for name, value in ids.items() if value is not None}


# they quote URLs and headers of the receiver of traces, and with them secrets
_TALKATIVE: Final = (
    "opentelemetry.exporter",
    "opentelemetry.sdk.trace.export",
    "opentelemetry.util.re",
    "requests",
    "urllib3",
)
_SHARED: Final[list[Any]] = [
    _with_ids,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    # Plain tracebacks: a renderer that shows locals would write keys and bodies to the log.
    structlog.processors.format_exc_info,
]


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
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
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
