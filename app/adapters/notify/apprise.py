"""Receiver of notices by chat, mail or phone through apprise.

apprise is big and blocks, so it is imported late, and each attempt runs in a daemon thread of its
own: an attempt that hangs is abandoned at the deadline and blocks neither the loop nor the end of
the process; while it hangs no second one starts.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from app.adapters.notify.delivery_queue import Message, NotDelivered

_URGENT: Final = ("circuit.opened", "journal.failing")
_GOOD: Final = ("circuit.closed", "journal.restored", "model.restored")


class AppriseReceiver:
    """Receiver behind one apprise URL.

    Parameters
    ----------
    name : str
        Name in logs, as the URL itself holds secrets.
    url : str
    timeout_sec : float, seconds
        Deadline of one attempt.
    """

    channel: Final = "apprise"

    def __init__(self, name: str, url: str, *, timeout_sec: float) -> None:
        self.name = name
        self._url = url
        self._timeout_sec = timeout_sec
        self._service: Any = None
        self._busy = False

    async def prepare(self) -> None:
        """Import apprise and make the service of the URL.

        Raises
        ------
        NotDelivered
            If apprise does not support the URL.
        """
        # the import alone may take seconds on a busy machine, and is made once
        self._service = await self._in_thread(lambda: _service_of(self._url), None)
        if self._service is None:
            scheme = self._url.partition(":")[0]
            raise NotDelivered(f"apprise cannot use this {scheme}:// URL", retryable=False)

    async def send(self, message: Message) -> None:
        """Send the message once.

        Raises
        ------
        NotDelivered
            If apprise reports a failure, or nothing within the deadline.
        """
        if self._service is None:
            await self.prepare()
        service = self._service
        delivered = await self._in_thread(
            lambda: service.notify(
                body=message.text,
                title=f"HIMARI {message.kind}",
                notify_type=_urgency(message.kind),
            ),
            self._timeout_sec,
        )
        if not delivered:
            raise NotDelivered("apprise could not deliver it")

    async def _in_thread(self, work: Callable[[], Any], timeout_sec: float | None) -> Any:
        if self._busy:
            raise NotDelivered("the attempt before still hangs")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()

        def settle(result: Any, error: Exception | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)

        def run() -> None:
            result, failure = None, None
            try:
                result = work()
            except Exception as error:  # noqa: BLE001 - services raise anything; the queue logs it
                failure = error
            self._busy = False
            # the loop may have been closed meanwhile
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, result, failure)

        self._busy = True
        threading.Thread(target=run, name=f"notify {self.name}", daemon=True).start()
        try:
            async with asyncio.timeout(timeout_sec):
                return await done
        except TimeoutError as error:
            raise NotDelivered(f"apprise did not end within {timeout_sec:g} s") from error


def _service_of(url: str) -> Any:
    """Return the apprise service of one URL, None if apprise does not support it."""
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - big: only where there is a URL

    service = Apprise(asset=AppriseAsset(storage_mode="memory", app_id="HIMARI"))
    return service if service.add(url) else None


def _urgency(kind: str) -> str:
    if kind in _GOOD:
        return "success"
    return "failure" if kind in _URGENT else "warning"
