"""Notifier: turns notices into messages and queues them for each receiver.

Built only where a receiver is configured. A decision only leaves a reference to its view; limits
and journal are checked once a second, with the newest decision.
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
from app.adapters.notify.delivery_options import DeliveryOptions
from app.adapters.notify.delivery_queue import DeliveryQueue, Message, Receiver
from app.adapters.notify.webhook import WebhookReceiver
from app.core.beliefs import TradingStatus
from app.core.policy.circuit import Transition
from app.core.types import PolicyAnswer
from app.pipeline.answer import DecisionView
from app.pipeline.notices import Notice, Thresholds, Watch
from app.pipeline.ports import Clock

_LOG = structlog.get_logger(__name__)
_CHECK_INTERVAL_SEC: Final = 1.0
_STOP_SEC: Final = 2.0


class Notifier:
    """Sender of notices to any number of receivers; implements the `Notices` port.

    Parameters
    ----------
    receivers : sequence of Receiver
    thresholds : Thresholds
    options : DeliveryOptions
    clock : Clock
    source : dict
        Added to the data of every message: version and mode.
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
        self._checking: asyncio.Task[None] | None = None

    def circuit_moved(self, transition: Transition) -> None:
        """Send a notice if the circuit opened or closed."""
        self._send(self._watch.circuit(transition))

    def started(self, status: TradingStatus) -> None:
        """Send a notice if the service started in another state than ACTIVE."""
        self._send(self._watch.start(status))

    def switched(self, status: TradingStatus) -> None:
        """Send a notice of the new trading state."""
        self._send(self._watch.switch(status))

    def answered(self, rows: int, answer: PolicyAnswer) -> None:
        """Send a notice of a new model, or of a model that lost its confidence."""
        del rows
        self._send(*self._watch.model(answer))

    def decided(self, view: DecisionView) -> None:
        """Keep the newest decision for the next check."""
        self._newest = view

    def change_thresholds(self, thresholds: Thresholds) -> None:
        """Use other thresholds from now on."""
        self._watch.thresholds = thresholds

    def start(self, refusing: Callable[[], str | None]) -> None:
        """Start checking and sending.

        Parameters
        ----------
        refusing : callable
            Returns why the journal cannot be written, or None.
        """
        for queue in self._queues:
            queue.start()
        self._checking = asyncio.create_task(self._check_regularly(refusing), name="notify watch")

    async def stop(self) -> None:
        """Try each queued message once more and end, within two seconds."""
        if self._checking is not None:
            self._checking.cancel()
            with suppress(asyncio.CancelledError):
                await self._checking
        await asyncio.gather(*(queue.stop(_STOP_SEC) for queue in self._queues))

    def state(self) -> dict[str, Any]:
        """Return the state of each receiver, without URLs."""
        return {"receivers": [queue.state() for queue in self._queues]}

    async def _check_regularly(self, refusing: Callable[[], str | None]) -> None:
        while True:
            await asyncio.sleep(_CHECK_INTERVAL_SEC)
            self.check(refusing())

    def check(self, refusing: str | None) -> None:
        """Check journal and limits, and send a notice of what changed."""
        self._send(self._watch.journal(refusing))
        view, self._newest = self._newest, None
        if view is not None:
            self._send(self._watch.limits(view.details().risk_budget))

    def _send(self, *notices: Notice | None) -> None:
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
    """Pair each URL with a name for logs: its channel and its position in the settings."""
    return [(f"{channel} {number}", url) for number, url in enumerate(urls, start=1)]


def build_receivers(
    webhook_urls: Iterable[str],
    webhook_secret: str,
    apprise_urls: Iterable[str],
    *,
    timeout_sec: float,
    clock: Clock,
) -> list[Receiver]:
    """Return a receiver for each URL; apprise gets four times the deadline, as mail is slow."""
    webhooks = [
        WebhookReceiver(name, url, webhook_secret, timeout_sec=timeout_sec, clock=clock)
        for name, url in _named("webhook", webhook_urls)
    ]
    others = [
        AppriseReceiver(name, url, timeout_sec=4.0 * timeout_sec)
        for name, url in _named("apprise", apprise_urls)
    ]
    return [*webhooks, *others]
