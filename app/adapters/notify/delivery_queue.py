"""Delivery of notices to one receiver: a bounded queue, one task, retries with growing pauses.

No decision waits for a delivery: `put` only queues. A full queue drops its oldest notice, since
the newest says what is true now.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog

from app.adapters.notify import counters
from app.adapters.notify.delivery_options import DeliveryOptions

_LOG = structlog.get_logger(__name__)
_LONGEST_PAUSE_SEC: Final = 60.0


@dataclass(frozen=True, slots=True)
class Message:
    """A notice as it is sent: same id, time and body at every attempt and to every receiver."""

    id: str
    kind: str
    text: str
    body: bytes


class NotDelivered(Exception):
    """One attempt failed; the text holds no secret.

    Parameters
    ----------
    reason : str
    retryable : bool
        Whether another attempt makes sense.
    retry_after_sec : float, seconds
        Least pause that the receiver asked for.
    """

    def __init__(
        self, reason: str, *, retryable: bool = True, retry_after_sec: float = 0.0
    ) -> None:
        super().__init__(reason)
        self.retryable = retryable
        self.retry_after_sec = retry_after_sec


class Receiver(Protocol):
    """Receiver of messages; ``name`` and ``channel`` hold no secret."""

    @property
    def name(self) -> str:
        """Name in logs and in the state."""

    @property
    def channel(self) -> str:
        """One of `counters.CHANNELS`."""

    async def prepare(self) -> None:
        """Get ready to send, or raise NotDelivered if it cannot."""

    async def send(self, message: Message) -> None:
        """Send a message once within the receiver's own deadline, or raise NotDelivered."""


class DeliveryQueue:
    """Queue and task of one receiver; a slow receiver delays no other.

    Parameters
    ----------
    receiver : Receiver
    options : DeliveryOptions
    draw : callable
        Uniform in [0, 1), for the jitter.
    """

    def __init__(
        self, receiver: Receiver, options: DeliveryOptions, draw: Callable[[], float]
    ) -> None:
        self._receiver = receiver
        self._options = options
        self._draw = draw
        self._queue: deque[Message] = deque()
        self._news = asyncio.Event()
        self._ending = asyncio.Event()
        self._failure: str | None = None
        self._task: asyncio.Task[None] | None = None

    def put(self, message: Message) -> None:
        """Queue a message behind the others; a full queue drops its oldest."""
        if len(self._queue) >= self._options.queue_size:
            self._queue.popleft()
            counters.DROPPED[self._receiver.channel].inc()
        self._queue.append(message)
        self._news.set()

    def start(self) -> None:
        """Start the task that sends."""
        self._task = asyncio.create_task(self._run(), name=f"notify {self._receiver.name}")

    async def stop(self, timeout_sec: float) -> None:
        """Try each queued message once more, and end within the timeout in any case."""
        self._ending.set()
        self._news.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=timeout_sec)
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._queue:
            counters.DROPPED[self._receiver.channel].inc(len(self._queue))
            _LOG.warning("notices_unsent", receiver=self._receiver.name, count=len(self._queue))

    def state(self) -> dict[str, Any]:
        """Return the receiver, the number of waiting messages, and why the last attempt failed."""
        return {
            "receiver": self._receiver.name,
            "pending": len(self._queue),
            "failure": self._failure,
        }

    async def _run(self) -> None:
        await self._attempt(None)
        while True:
            while self._queue:
                await self._deliver(self._queue[0])
            if self._ending.is_set():
                return
            self._news.clear()
            await self._news.wait()

    async def _deliver(self, message: Message) -> None:
        channel = self._receiver.channel
        for attempt in range(1, self._options.attempts + 1):
            failure = await self._attempt(message)
            if failure is None:
                counters.SENT[channel].inc()
                break
            last = attempt == self._options.attempts or self._ending.is_set()
            if last or not failure.retryable:
                counters.FAILED[channel].inc()
                _LOG.error(
                    "notice_given_up",
                    receiver=self._receiver.name,
                    kind=message.kind,
                    notice=message.id,
                    attempts=attempt,
                    reason=str(failure),
                )
                break
            counters.RETRIED[channel].inc()
            await self._pause(attempt, failure.retry_after_sec)
        # a full queue may have dropped it meanwhile
        if self._queue and self._queue[0] is message:
            self._queue.popleft()

    async def _attempt(self, message: Message | None) -> NotDelivered | None:
        """Send the message, or prepare without one; return why it failed, None if it did not."""
        try:
            if message is None:
                await self._receiver.prepare()
            else:
                await self._receiver.send(message)
        except NotDelivered as failure:
            found = failure
        except Exception as error:  # noqa: BLE001 - no receiver's bug may end the task
            # the text of an unexpected error may quote a URL
            found = NotDelivered(f"unexpected {type(error).__name__}")
        else:
            self._failure = None
            return None
        self._failure = str(found)
        _LOG.warning("notice_not_delivered", receiver=self._receiver.name, reason=str(found))
        return found

    async def _pause(self, attempt: int, retry_after_sec: float) -> None:
        grown = self._options.first_retry_sec * 2.0 ** (attempt - 1)
        pause = min(grown, _LONGEST_PAUSE_SEC) * (0.5 + 0.5 * self._draw())
        pause = max(pause, min(retry_after_sec, _LONGEST_PAUSE_SEC))
        _, waiting = await asyncio.wait({asyncio.ensure_future(self._ending.wait())}, timeout=pause)
        for task in waiting:
            task.cancel()
