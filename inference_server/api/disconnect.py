"""Cancel the work of a request when its caller closes the connection."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from starlette.requests import ClientDisconnect, Request

Result = TypeVar("Result")

# watching costs a task, so a request that is answered sooner has none
_PATIENCE_SEC: Final = 0.02
# a server may end a body twice; later messages are ignored
_MESSAGES: Final = 2


async def cancel_on_disconnect(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of ``work``, or cancel it when the caller closes its connection.

    Parameters
    ----------
    request : Request
        Its body has been read to the end.
    work : coroutine

    Raises
    ------
    ClientDisconnect
        If the caller went away first.
    """
    worker = asyncio.current_task()
    assert worker is not None  # noqa: S101 - coroutines of a server run in tasks
    watch = _Watch(request, worker)
    timer = asyncio.get_running_loop().call_later(_PATIENCE_SEC, watch.begin)
    try:
        return await work
    except asyncio.CancelledError:
        # as asyncio.timeout does it: only our own cancellation becomes an error of the caller
        if watch.cancelled_work and worker.uncancel() == 0:
            raise ClientDisconnect from None
        raise
    finally:
        timer.cancel()
        watch.end()


class _Watch:
    """Cancel a task at the end of a connection."""

    def __init__(self, request: Request, worker: "asyncio.Task[Any]") -> None:
        self._request = request
        self._worker = worker
        self._listener: asyncio.Task[None] | None = None
        self.cancelled_work = False

    def begin(self) -> None:
        self._listener = asyncio.create_task(self._listen())

    def end(self) -> None:
        if self._listener is not None:
            self._listener.cancel()

    async def _listen(self) -> None:
        for _ in range(_MESSAGES):
            if (await self._request.receive())["type"] == "http.disconnect":
                self.cancelled_work = True
                self._worker.cancel()
                return
