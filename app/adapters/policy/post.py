"""One POST to a policy server under a deadline.

Each request opens a transport of its own and closes it: httpx's shared pool leaks its slots when
a call is cancelled (httpcore issue 1093), and without keep-alive a pool saves nothing.
Redirects, cookies, proxies of the environment and decompression do not exist at this level.
"""

import asyncio
import base64
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol

import httpx

from app.adapters.policy.options import TraceCall, untraced
from app.core.errors import Blame, PolicyFailure
from app.core.types import FallbackReason

_LIMITS: Final = httpx.Limits(max_connections=1, max_keepalive_connections=0)
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class Payload:
    """Request body with its content type, and the largest reply accepted, in bytes."""

    body: bytes
    content_type: str
    reply_cap: int


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, body and Retry-After of a reply; the body is empty unless it succeeded."""

    status: int
    body: bytes
    retry_after: str


class PolicyPost:
    """Sender of payloads with the same headers and trusted authorities.

    Parameters
    ----------
    url : httpx.URL
        Endpoint; its scheme decides about TLS, and a user in it becomes basic authorization.
    api_key : str or None
        Sent as a bearer token.
    headers : mapping
        Added to every request; those that frame the body are ignored.
    ca_file : str or None
        PEM file of the only authorities trusted; None trusts the public ones.
    transport : httpx.AsyncBaseTransport or None
        Used for every request; None opens and closes one for each.
    trace_call : TraceCall
        Surrounds each request and gives the headers that propagate its trace.

    Raises
    ------
    ValueError
        If a header cannot be sent (its value is not shown), or the CA file not be used.
    """

    def __init__(
        self,
        url: httpx.URL,
        api_key: str | None,
        headers: Mapping[str, str],
        *,
        ca_file: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        trace_call: TraceCall = untraced,
    ) -> None:
        self._traced = trace_call
        self._headers = request_headers(url, api_key, headers)
        self._tls = tls_context(url, ca_file)
        self._transport = transport

    async def send(self, url: httpx.URL, payload: Payload, deadline: float) -> Reply:
        """Send one POST and return the reply.

        Parameters
        ----------
        url : httpx.URL
        payload : Payload
        deadline : float, seconds on the running loop's clock
            For connecting, sending and reading together.

        Raises
        ------
        PolicyFailure
            TIMEOUT, CONNECTION_ERROR, OVERLOADED (a given transport's pool is full), or
            INVALID_PREDICTION (body over its cap or encoded).
        """
        with self._traced(url.host) as carried:
            headers = {**self._headers, "content-type": payload.content_type, **carried}
            request = httpx.Request("POST", url, headers=headers, content=payload.body)
            return await self._send(request, payload, deadline)

    async def _send(self, request: httpx.Request, payload: Payload, deadline: float) -> Reply:
        try:
            async with asyncio.timeout_at(deadline), self._opened(request) as transport:
                return await _exchange(transport, request, payload.reply_cap)
        except PolicyFailure:
            raise
        except httpx.PoolTimeout as error:
            raise PolicyFailure(FallbackReason.OVERLOADED, Blame.NEUTRAL, "pool full") from error
        except (TimeoutError, httpx.TimeoutException) as error:
            detail = "no complete answer within the deadline"
            raise PolicyFailure(FallbackReason.TIMEOUT, Blame.FAILURE, detail) from error
        except Exception as error:
            # Not only httpx.HTTPError: anyio, ssl and the IDNA codec raise their own.
            reason, detail = FallbackReason.CONNECTION_ERROR, _describe(error)
            raise PolicyFailure(reason, Blame.FAILURE, detail) from error

    async def close(self) -> None:
        """Close the given transport; requests close their own."""
        if self._transport is not None:
            await self._transport.aclose()

    @asynccontextmanager
    async def _opened(self, request: httpx.Request) -> AsyncIterator[httpx.AsyncBaseTransport]:
        if self._transport is not None:
            yield self._transport
            return
        async with open_transport(request, self._tls) as own:
            yield own


@asynccontextmanager
async def open_transport(
    request: httpx.Request, tls: ssl.SSLContext
) -> AsyncIterator[httpx.AsyncBaseTransport]:
    """Open a transport for one request; its sockets are closed at the end of the block."""
    sockets = _Sockets()
    request.extensions = {**request.extensions, "trace": sockets.note}
    own = httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=_LIMITS)
    try:
        async with own:
            yield own
    finally:
        await sockets.close()


class _Stream(Protocol):
    async def aclose(self) -> None: ...


class _Sockets:
    """Sockets of one request; httpcore leaks one whose TLS handshake is cancelled."""

    def __init__(self) -> None:
        self._streams: list[_Stream] = []

    async def note(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            self._streams.append(info["return_value"])

    async def close(self) -> None:
        for stream in self._streams:
            await stream.aclose()


def retry_after_sec(value: str, now_ns: int) -> float:
    """Return the seconds of a Retry-After header; 0 if it is malformed (RFC 9110, 10.2.3)."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    at = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, at.timestamp() - now_ns / 1e9)


async def _exchange(transport: httpx.AsyncBaseTransport, request: httpx.Request, cap: int) -> Reply:
    response = await transport.handle_async_request(request)
    try:
        body = await _read_body(response, cap) if response.is_success else b""
    finally:
        await response.aclose()
    return Reply(response.status_code, body, response.headers.get("retry-after", ""))


async def _read_body(response: httpx.Response, cap: int) -> bytes:
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in {"", "identity"}:
        raise _unusable_reply("body has a content encoding that was not asked for")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > cap:
            raise _unusable_reply(f"body exceeds {cap} bytes")
    return bytes(body)


def request_headers(
    url: httpx.URL, api_key: str | None, extra: Mapping[str, str]
) -> dict[str, str]:
    """Return the headers of every request to a policy server.

    Raises
    ------
    ValueError
        If a header cannot be sent; its value is not shown.
    """
    headers = {"user-agent": "himari-layer3"}
    if url.userinfo:
        user = f"{url.username}:{url.password}".encode()
        headers["authorization"] = f"Basic {base64.b64encode(user).decode()}"
    headers |= {name.lower(): value.strip() for name, value in extra.items()}
    if api_key:
        headers["authorization"] = f"Bearer {api_key.strip()}"
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"header {name!r} must have an ASCII name and a printable value")
    headers.pop("transfer-encoding", None)
    headers.pop("content-length", None)
    return headers | {
        "accept": "application/json",
        "accept-encoding": "identity",
        "connection": "close",
    }


def tls_context(url: httpx.URL, ca_file: str | None) -> ssl.SSLContext:
    """Return a TLS context that trusts the authorities of a PEM file, or else the public ones.

    Raises
    ------
    ValueError
        If the file cannot be used.
    """
    # A plain endpoint never shakes hands: an empty context saves loading the CA bundle.
    if url.scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_file is None:
        return httpx.create_ssl_context(trust_env=False)
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ValueError(f"CA file {ca_file} cannot be used: {error}") from error


def _describe(error: Exception) -> str:
    # Only the text of a failed connection is free of what was sent or received.
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, httpx.ConnectError) else name


def _unusable_reply(detail: str) -> PolicyFailure:
    return PolicyFailure(FallbackReason.INVALID_PREDICTION, Blame.FAILURE, detail)
