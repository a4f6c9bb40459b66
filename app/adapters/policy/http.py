"""Policy client over HTTP: one batch call per decision, one deadline for the whole exchange.

Each exchange runs in a task of its own: when its caller is cancelled, the exchange still runs to
its own deadline. A bulkhead bounds the exchanges in flight. A server without a batch path gets
one call per row, within the same deadline.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import httpx
import structlog

from app.adapters.policy.options import HttpPolicyOptions
from app.adapters.policy.post import (
    Payload,
    PolicyPost,
    Reply,
    retry_after_sec,
)
from app.adapters.policy.wire import (
    UnsendableInput,
    UnusableReply,
    body_cap,
    decode_batch,
    decode_single,
    encode_batch,
    encode_single,
)
from app.core.errors import Blame, PolicyFailure
from app.core.types import FallbackReason, PolicyInput, Prediction
from app.pipeline.ports import Clock

_LOG = structlog.get_logger(__name__)
_BATCH_RETRY_SEC: Final = 300.0
_SINGLES_AT_ONCE: Final = 8
# Time for an exchange past its deadline to close its sockets.
_GRACE_SEC: Final = 0.01
_Rows = tuple[Prediction | None, ...]
# Predictions received so far by an exchange with one call per row.
_Received = list[Prediction | None]
# From the least to the worst; with no valid row the decision reports the worst.
_SEVERITY: Final = (
    FallbackReason.INVALID_PREDICTION,
    FallbackReason.OVERLOADED,
    FallbackReason.BAD_STATUS,
    FallbackReason.CONNECTION_ERROR,
    FallbackReason.TIMEOUT,
)


class HttpPolicyClient:
    """Client of a policy server with the project's batch call or the guide's single call.

    Parameters
    ----------
    endpoint : str
        URL of the single call; the batch call is ``{endpoint}/batch``.
    timeout_sec : float, seconds
        For the whole exchange, connecting and reading included.
    clock : Clock
        For Retry-After and for how long a missing batch path is remembered.
    options : HttpPolicyOptions, optional
    transport : httpx.AsyncBaseTransport, optional
        Used for every request and closed by `close`; by default each request opens its own.

    Raises
    ------
    ValueError
        If endpoint, deadline, bulkhead, CA file or a header cannot be used; secrets are not shown.
    """

    def __init__(
        self,
        endpoint: str,
        timeout_sec: float,
        *,
        clock: Clock,
        options: HttpPolicyOptions | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._options = options or HttpPolicyOptions()
        self._single_url, self._batch_url = _endpoint_urls(endpoint)
        if not 0.0 < timeout_sec < float("inf"):
            raise ValueError(f"timeout_sec must be finite and > 0, was {timeout_sec}")
        if self._options.max_concurrent < 1:
            raise ValueError(f"max_concurrent must be >= 1, was {self._options.max_concurrent}")
        self._timeout_sec = timeout_sec
        self._clock = clock
        self._post = PolicyPost(
            self._single_url,
            self._options.api_key,
            self._options.headers,
            ca_file=self._options.ca_file,
            transport=transport,
            trace_call=self._options.trace_call,
        )
        self._exchanges: set[asyncio.Task[_Rows]] = set()
        self._batch_again_at = float("-inf")
        self._held_until = float("-inf")
        self._total_predictions = 0
        self._successful_predictions = 0
        self._upstream_calls = 0
        self._client_errors = 0

    async def predict(self, inputs: Sequence[PolicyInput]) -> tuple[Prediction | None, ...]:
        """Return one prediction per input, in their order; None where a row was unusable.

        Raises
        ------
        PolicyFailure
            No usable row, no answer within the deadline, held by Retry-After, or bulkhead full.
        """
        rows = tuple(inputs)
        if not rows:
            return ()
        self._total_predictions += len(rows)
        self._refuse_while_held()
        if len(self._exchanges) >= self._options.max_concurrent:
            detail = f"{len(self._exchanges)} exchanges in flight"
            raise PolicyFailure(FallbackReason.OVERLOADED, Blame.NEUTRAL, detail)
        received: _Received = [None] * len(rows)
        exchange = self._begin(rows, received)
        # wait() leaves the exchange alone when this caller is cancelled or its time is over.
        await asyncio.wait({exchange}, timeout=self._timeout_sec + _GRACE_SEC)
        if not exchange.done():
            # After a stall of the loop both times are over at once: rows already received count.
            predictions = tuple(received)
            if not any(predictions):
                raise self._timed_out()
        elif exchange.cancelled():
            raise PolicyFailure(FallbackReason.CONNECTION_ERROR, Blame.NEUTRAL, "client closed")
        else:
            predictions = exchange.result()
        self._successful_predictions += sum(row is not None for row in predictions)
        return predictions

    def statistics(self) -> dict[str, Any]:
        """Return counts since start; ``success_rate`` is 1 before the first row was sent."""
        total, now = self._total_predictions, self._clock.monotonic()
        return {
            "total_predictions": total,
            "successful_predictions": self._successful_predictions,
            "success_rate": self._successful_predictions / total if total else 1.0,
            "upstream_calls": self._upstream_calls,
            "client_errors": self._client_errors,
            "in_flight": len(self._exchanges),
            "batch_supported": now >= self._batch_again_at,
            "held_for_sec": max(0.0, self._held_until - now),
        }

    def resume(self) -> None:
        """Lift the pause that a Retry-After asked for."""
        self._held_until = float("-inf")

    async def close(self) -> None:
        """Cancel the exchanges in flight and release their sockets."""
        for exchange in self._exchanges:
            exchange.cancel()
        await asyncio.gather(*self._exchanges, return_exceptions=True)
        await self._post.close()

    def _begin(self, rows: tuple[PolicyInput, ...], received: _Received) -> asyncio.Task[_Rows]:
        deadline = asyncio.get_running_loop().time() + self._timeout_sec
        exchange = asyncio.create_task(
            self._exchange(rows, received, deadline), name="policy-exchange"
        )
        self._exchanges.add(exchange)
        exchange.add_done_callback(self._end)
        return exchange

    def _end(self, exchange: asyncio.Task[_Rows]) -> None:
        self._exchanges.discard(exchange)
        if not exchange.cancelled():
            exchange.exception()  # marks it as seen: an abandoned exchange has no reader

    async def _exchange(
        self, rows: tuple[PolicyInput, ...], received: _Received, deadline: float
    ) -> _Rows:
        if self._clock.monotonic() >= self._batch_again_at:
            predictions = await self._ask_batch(rows, deadline)
            if predictions is not None:
                return predictions
        return await self._ask_singly(rows, received, deadline)

    async def _ask_batch(self, rows: tuple[PolicyInput, ...], deadline: float) -> _Rows | None:
        try:
            body, content_type = encode_batch(rows, self._options.wire)
        except UnsendableInput as error:
            raise _unsendable(error) from error
        payload = Payload(body, content_type, body_cap(len(rows)))
        reply = await self._send(self._batch_url, payload, deadline)
        if reply.status in {404, 405}:
            self._batch_again_at = self._clock.monotonic() + _BATCH_RETRY_SEC
            _LOG.info("policy_batch_path_missing", status=reply.status, retry_sec=_BATCH_RETRY_SEC)
            return None
        self._refuse_bad_status(reply.status)
        try:
            return decode_batch(reply.body, len(rows), self._options.expected_model_version)
        except UnusableReply as error:
            raise _invalid(str(error)) from error

    async def _ask_singly(
        self, rows: tuple[PolicyInput, ...], received: _Received, deadline: float
    ) -> _Rows:
        failures: list[PolicyFailure] = []
        queue = iter(enumerate(rows))

        async def ask_from_queue() -> None:
            for index, row in queue:
                try:
                    received[index] = await self._ask_one(row, deadline)
                except PolicyFailure as failure:
                    failures.append(failure)

        await asyncio.gather(*(ask_from_queue() for _ in range(min(_SINGLES_AT_ONCE, len(rows)))))
        if len(failures) == len(rows):
            raise _worst(failures)
        return tuple(received)

    async def _ask_one(self, row: PolicyInput, deadline: float) -> Prediction:
        self._refuse_while_held()
        if asyncio.get_running_loop().time() >= deadline:
            raise self._timed_out()
        try:
            payload = Payload(*encode_single(row), body_cap(1))
        except UnsendableInput as error:
            raise _unsendable(error) from error
        reply = await self._send(self._single_url, payload, deadline)
        self._refuse_bad_status(reply.status)
        try:
            return decode_single(reply.body, self._options.expected_model_version)
        except UnusableReply as error:
            raise _invalid(str(error)) from error

    async def _send(self, url: httpx.URL, payload: Payload, deadline: float) -> Reply:
        self._upstream_calls += 1
        reply = await self._post.send(url, payload, deadline)
        self._heed_retry_after(reply)
        return reply

    def _heed_retry_after(self, reply: Reply) -> None:
        if reply.status not in {429, 503}:
            return
        asked = retry_after_sec(reply.retry_after, self._clock.now_ns())
        until = self._clock.monotonic() + min(asked, self._options.retry_after_cap_sec)
        self._held_until = max(self._held_until, until)

    def _refuse_while_held(self) -> None:
        held = self._held_until - self._clock.monotonic()
        if held > 0.0:
            detail = f"held by Retry-After for {held:.1f} s more"
            raise PolicyFailure(FallbackReason.BAD_STATUS, Blame.NEUTRAL, detail)

    def _refuse_bad_status(self, status: int) -> None:
        if 200 <= status < 300:
            return
        blame = Blame.FAILURE
        if 400 <= status < 500 and status not in {408, 429}:
            blame = Blame.NEUTRAL
            self._client_errors += 1
            _LOG.warning("policy_refused_request", status=status)
        raise PolicyFailure(FallbackReason.BAD_STATUS, blame, f"status {status}")

    def _timed_out(self) -> PolicyFailure:
        detail = f"no answer within {self._timeout_sec} s"
        return PolicyFailure(FallbackReason.TIMEOUT, Blame.FAILURE, detail)


def _endpoint_urls(endpoint: str) -> tuple[httpx.URL, httpx.URL]:
    try:
        single = httpx.URL(endpoint)
    except httpx.InvalidURL as error:
        raise ValueError(f"endpoint must be a URL: {error}") from None
    if single.scheme not in {"http", "https"} or not single.host:
        was = f"scheme {single.scheme!r} and host {single.host!r}"
        raise ValueError(f"endpoint must be an http or https URL with a host, was {was}")
    return single, single.copy_with(path=single.path.rstrip("/") + "/batch")


def _invalid(detail: str) -> PolicyFailure:
    return PolicyFailure(FallbackReason.INVALID_PREDICTION, Blame.FAILURE, detail)


def _unsendable(error: UnsendableInput) -> PolicyFailure:
    return PolicyFailure(FallbackReason.INVALID_PREDICTION, Blame.NEUTRAL, str(error))


def _worst(failures: Sequence[PolicyFailure]) -> PolicyFailure:
    worst = max(failures, key=lambda failure: _SEVERITY.index(failure.reason))
    failed = any(failure.blame is Blame.FAILURE for failure in failures)
    blame = Blame.FAILURE if failed else Blame.NEUTRAL
    return PolicyFailure(worst.reason, blame, f"none of {len(failures)} rows; {worst.detail}")
