"""Receiver of notices as signed Standard Webhooks: one POST per attempt, no redirects.

The id of a message is the same at every attempt, so that a receiver can recognise a repetition;
timestamp and signature are those of the attempt.
"""

import asyncio
import base64
from datetime import UTC, datetime
from typing import Final

import httpx
from standardwebhooks import Webhook

from app.adapters.notify.delivery_queue import Message, NotDelivered
from app.adapters.policy.post import open_transport, retry_after_sec, tls_context
from app.pipeline.ports import Clock

_RETRYABLE: Final = frozenset({408, 425, 429})


class WebhookReceiver:
    """Receiver that posts every notice as signed JSON to one URL.

    Parameters
    ----------
    name : str
        Name in logs, as the URL itself may hold a secret.
    url : str
        http or https; a user in it becomes basic authorization.
    secret : str
        Signing secret of Standard Webhooks, ``whsec_...``.
    timeout_sec : float, seconds
        Deadline of one attempt, with connecting and the head of the answer.
    clock : Clock
    """

    channel: Final = "webhook"

    def __init__(
        self, name: str, url: str, secret: str, *, timeout_sec: float, clock: Clock
    ) -> None:
        self.name = name
        self._url = httpx.URL(url)
        self._signer = Webhook(secret)
        self._timeout_sec = timeout_sec
        self._clock = clock
        self._tls = tls_context(self._url, None)

    async def prepare(self) -> None:
        """Do nothing: a webhook needs no preparation."""

    async def send(self, message: Message) -> None:
        """Post the message once.

        Raises
        ------
        NotDelivered
            If no answer comes in time or its status is no success; 4xx are not retryable, except
            408, 425 and 429.
        """
        request = httpx.Request(
            "POST", self._url, headers=self._headers(message), content=message.body
        )
        try:
            async with (
                asyncio.timeout(self._timeout_sec),
                open_transport(request, self._tls) as transport,
            ):
                response = await transport.handle_async_request(request)
                # the body is not needed, and may never end
                await response.aclose()
        except (TimeoutError, httpx.TimeoutException) as error:
            raise NotDelivered(f"no answer within {self._timeout_sec:g} s") from error
        except Exception as error:
            # not only httpx.HTTPError: anyio, ssl and the IDNA codec raise their own
            raise NotDelivered(f"no connection: {type(error).__name__}") from error
        self._refuse_status(response)

    def _refuse_status(self, response: httpx.Response) -> None:
        status = response.status_code
        if response.is_success:
            return
        retryable = status >= 500 or status in _RETRYABLE
        asked = retry_after_sec(response.headers.get("retry-after", ""), self._clock.now_ns())
        raise NotDelivered(f"status {status}", retryable=retryable, retry_after_sec=asked)

    def _headers(self, message: Message) -> dict[str, str]:
        now = datetime.fromtimestamp(self._clock.now_ns() // 1_000_000_000, UTC)
        headers = {
            "content-type": "application/json",
            "user-agent": "himari-layer3",
            "accept-encoding": "identity",
            "connection": "close",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(message.id, now, message.body.decode("utf-8")),
        }
        if self._url.userinfo:
            user = f"{self._url.username}:{self._url.password}".encode()
            headers["authorization"] = f"Basic {base64.b64encode(user).decode()}"
        return headers
