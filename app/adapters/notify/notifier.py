"""Telling people: what the watch finds becomes messages, and each receiver gets them in its queue.

Built only where there is somebody to tell. Hearing of something costs a decision a reference;
limits and journal are looked at once a second, at the newest decision.
"""

import asyncio
import random
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import structlog

from app.adapters.notify.apprise import AppriseReceiver
from app.adapters.notify.delivery_queue import DeliveryOptions, DeliveryQueue, Message, Receiver
from app.adapters.notify.webhook import WebhookReceiver
from app.core.beliefs import TradingStatus
from app.core.policy.circuit import Transition
from app.core.types import PolicyAnswer
from app.pipeline.answer import DecisionView
from app.pipeline.notices import Notice, Thresholds, Watch
from app.pipeline.ports import Clock

_LOG = structlog.get_logger(__name__)
_LOOK_EVERY_SEC: Final = 1.0
_STOP_SEC: Final = 2.0


class Notifier:
    """Whoever tells people; a `Notices` port over any number of receivers.

    Parameters
    ----------
    receivers : sequence of Receiver
    thresholds : Thresholds
    options : DeliveryOptions
    clock : Clock
    source : dict
        Stands in every message beside its own data: version and mode.
    """

    def __init__(
        self,
        receivers: Sequence[Receiver],
        thresholds: Thresholds,
        options: DeliveryOptions,
        *,
        clock: Clock,
        source: dict[str, str],
    ) -> None:
        draw = random.SystemRandom().random
        self._queues = [DeliveryQueue(receiver, options, draw) for receiver in receivers]
        self._watch = Watch(thresholds)
        self._clock = clock
        self._source = source
        self._newest: DecisionView | None = None
        self._looking: asyncio.Task[None] | None = None

    # -- hearing ---------------------------------------------------------------------------------

    def circuit_moved(self, transition: Transition) -> None:
        """Tell that the circuit opened or closed."""
        self._tell(self._watch.circuit(transition))

    def switched(self, status: TradingStatus) -> None:
        """Tell how the kill switch was thrown."""
        self._tell(self._watch.switch(status))

    def answered(self, rows: int, answer: PolicyAnswer) -> None:
        """Tell of another model, and of one that lost its confidence."""
        del rows
        self._tell(*self._watch.model(answer))

    def decided(self, view: DecisionView) -> None:
        """Keep the newest decision for the next look."""
        self._newest = view

    def change_thresholds(self, thresholds: Thresholds) -> None:
        """Judge by others from now on."""
        self._watch.thresholds = thresholds

    # -- living ----------------------------------------------------------------------------------

    def start(self, refusing: Callable[[], str | None]) -> None:
        """Begin to look and to send.

        Parameters
        ----------
        refusing : callable
            Why the journal cannot be written, or None.
        """
        for queue in self._queues:
            queue.start()
        self._looking = asyncio.create_task(self._look_on(refusing), name="notify watch")

    async def stop(self) -> None:
        """Try what is queued once more and end, within two seconds."""
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking
        await asyncio.gather(*(queue.stop(_STOP_SEC) for queue in self._queues))

    def state(self) -> dict[str, Any]:
        """Say how it goes with each receiver; no URL is shown."""
        return {"receivers": [queue.state() for queue in self._queues]}

    async def _look_on(self, refusing: Callable[[], str | None]) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_SEC)
            self.look(refusing())

    def look(self, refusing: str | None) -> None:
        """Look at journal and limits, and tell what is new."""
        self._tell(self._watch.journal(refusing))
        view, self._newest = self._newest, None
        if view is not None:
            self._tell(self._watch.limits(view.details().risk_budget))

    def _tell(self, *notices: Notice | None) -> None:
        for notice in notices:
            if notice is None:
                continue
            message = self._message(notice)
            _LOG.warning("notice", kind=notice.kind, notice=message.id, text=notice.text)
            for queue in self._queues:
                queue.put(message)

    def _message(self, notice: Notice) -> Message:
        at = datetime.fromtimestamp(self._clock.now_ns() / 1e9, UTC)
        content = {
            "type": notice.kind,
            "timestamp": at.isoformat(timespec="milliseconds"),
            "data": {"text": notice.text, **self._source, **notice.data},
        }
        body = orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS)
        return Message(f"msg_{uuid.uuid4().hex}", notice.kind, notice.text, body)


def _named(channel: str, urls: Iterable[str]) -> list[tuple[str, str]]:
    """Give each URL a name that logs may show: what it is and its place in the settings."""
    return [(f"{channel} {place}", url) for place, url in enumerate(urls, start=1)]


def receivers_of(
    webhook_urls: Iterable[str],
    webhook_secret: str,
    apprise_urls: Iterable[str],
    *,
    timeout_sec: float,
    clock: Clock,
) -> list[Receiver]:
    """Make a receiver of each URL; apprise gets four times the deadline, mail servers are slow."""
    webhooks = [
        WebhookReceiver(name, url, webhook_secret, timeout_sec=timeout_sec, clock=clock)
        for name, url in _named("webhook", webhook_urls)
    ]
    others = [
        AppriseReceiver(name, url, timeout_sec=4.0 * timeout_sec)
        for name, url in _named("apprise", apprise_urls)
    ]
    return [*webhooks, *others]
