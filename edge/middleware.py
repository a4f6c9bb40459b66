"""ASGI middlewares: limits on request heads, and the answer to an unexpected error."""

import sys

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.problems import ErrorAnswer, HeadTooLarge, RequestRefused, UnknownMethod

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class LastResort:
    """Answer an error that nothing else handled with a 500 problem, and log it.

    Parameters
    ----------
    app : ASGIApp
    answer : callable
        From scope and error to the answer; it logs.
    """

    def __init__(self, app: ASGIApp, answer: ErrorAnswer) -> None:
        self._app = app
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noting_start(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noting_start)
        except Exception as error:
            # an answer that has begun cannot be replaced: the server cuts the connection
            if started:
                raise
            await self._answer(scope, error)(scope, receive, send)


class HeadLimits:
    """Refuse unknown methods and overlong heads before metrics or handlers see them.

    So metric labels stay bounded, and parsing of headers costs a bounded time.

    Parameters
    ----------
    app : ASGIApp
    answer : callable
        From scope and error to the answer.
    max_headers : int, fields
        No bound by default.
    max_bytes : int
        Of path, query, names and values together; no bound by default.
    """

    def __init__(
        self,
        app: ASGIApp,
        answer: ErrorAnswer,
        *,
        max_headers: int = sys.maxsize,
        max_bytes: int = sys.maxsize,
    ) -> None:
        self._app = app
        self._answer = answer
        self._max_headers = max_headers
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is not None:
            await self._answer(scope, refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> RequestRefused | None:
        headers = scope["headers"]
        if scope["method"] not in _METHODS:
            return UnknownMethod(f"the method must be one of HTTP's, was {scope['method']!r}")
        if len(headers) > self._max_headers:
            return HeadTooLarge(self._max_headers, "header fields")
        length = len(scope["path"]) + len(scope["query_string"])
        length += sum(len(name) + len(value) for name, value in headers)
        return HeadTooLarge(self._max_bytes, "bytes") if length > self._max_bytes else None
