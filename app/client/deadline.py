"""The deadline of an exchange, read by every socket operation.

The HTTP library bounds each read and write, so that a server that drips a byte at a time is read
for ever. Here each operation gets what is left of the whole; nothing is cancelled from outside,
which is what makes connection pools leak.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Final

import httpcore
import httpx

from app.client.errors import NoAnswer, Unreachable

UNTIL: Final[ContextVar[float]] = ContextVar("himari_until")
# the library writes a buffer with one limit for each piece that the kernel takes
PIECE_BYTES: Final = 65_536
KEEP_ALIVE_SEC: Final = 4.0  # below the 5 s after which the service closes an idle connection
KEPT_CONNECTIONS: Final = 20


def left(expired: type[httpcore.TimeoutException]) -> float:
    """Return the seconds until the deadline.

    Raises
    ------
    httpcore.TimeoutException
        The given kind, if none are.
    """
    seconds = UNTIL.get() - monotonic()
    if seconds <= 0.0:
        raise expired("the deadline has passed")
    return seconds


def address(url: httpx.URL) -> httpcore.URL:
    """Return a URL in the type of the pool."""
    return httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )


@contextmanager
def failures() -> Iterator[None]:
    """Turn errors of the library into Unreachable (nothing sent) or NoAnswer.

    Raises
    ------
    Unreachable
        If there was no connection to send on.
    NoAnswer
        If anything went wrong after that.
    """
    try:
        yield
    except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
        raise Unreachable(f"no connection: {_message(error)}") from error
    except httpcore.TimeoutException as error:
        raise NoAnswer("no whole answer in time") from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise NoAnswer(f"no whole answer: {_message(error)}") from error


def _message(error: Exception) -> str:
    return str(error) or type(error).__name__
