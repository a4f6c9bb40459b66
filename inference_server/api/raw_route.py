"""A route whose endpoint takes the request itself.

The framework resolves parameters and rebuilds answers for each request; these endpoints read
bytes and answer bytes, so all of that is skipped. The OpenAPI page is made as for any route.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response


class RawRoute(APIRoute):
    """Hand requests over as they are."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Name the endpoint itself as the handler."""
        return self.endpoint
