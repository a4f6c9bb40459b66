"""Blocking exchanges with a deadline over all of it."""

import socket
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from app.client.deadline import (
    KEEP_ALIVE_SEC,
    KEPT_CONNECTIONS,
    PIECE_BYTES,
    address,
    failures,
    left,
)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the library's signature
        return self._inner.read(max_bytes, left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the library's signature
        for start in range(0, len(buffer), PIECE_BYTES):
            piece = buffer[start : start + PIECE_BYTES]
            self._inner.write(piece, left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the library's signature
    ) -> httpcore.NetworkStream:
        limit = left(httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, limit))

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class _Network(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the library's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failed: Exception = httpcore.ConnectError(f"{host} has no address")
        for numeric in _addresses(host, port):
            # the library would give as much to each address of the name
            limit = left(httpcore.ConnectTimeout)
            try:
                inner = super().connect_tcp(*numeric, limit, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _Stream(inner)
        raise failed


def _addresses(host: str, port: int) -> list[tuple[str, int]]:
    left(httpcore.ConnectTimeout)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    return [_numeric(address) for *_, address in found]


def _numeric(address: Any) -> tuple[str, int]:
    # unlike the bare first field it keeps the zone of a link-local address
    flags = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    host, service = socket.getnameinfo(address, flags)
    return host, int(service)


class DeadlineTransport(httpx.BaseTransport):
    """Reads each answer whole; keeps connections; as many at once as threads call.

    Parameters
    ----------
    trust : ssl.SSLContext or None
        None: the system's authorities.
    """

    def __init__(self, trust: ssl.SSLContext | None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=trust,
            max_connections=None,
            max_keepalive_connections=KEPT_CONNECTIONS,
            keepalive_expiry=KEEP_ALIVE_SEC,
            network_backend=_Network(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Exchange one request."""
        with failures():
            reply = self._pool.request(
                request.method,
                address(request.url),
                headers=request.headers.raw,
                content=request.read(),
            )
        return httpx.Response(reply.status, headers=reply.headers, content=reply.content)

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()
