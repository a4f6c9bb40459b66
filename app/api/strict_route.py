"""``StrictRoute``: query and body are read as strictly as an endpoint's signature says.

An endpoint names what it wants, and its OpenAPI entry follows from that::

    router = APIRouter(route_class=StrictRoute)

    @router.post("/outcomes", response_model=OutcomesResponse)
    async def record_outcomes(request: Request, body: OutcomesRequest) -> Response: ...

``query`` must be annotated with a `Query`; without it any query parameter is refused. ``body``
must be annotated with a `Body`; where it has a default, the body may be empty. The query is read
first, so a bad one is refused before the body has arrived.
"""

import inspect
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from app.api.openapi import inputs, problems
from app.api.request.body import parse_body, read_body
from app.api.request.fields import Body
from app.api.request.query import Query, read_query

Endpoint = Callable[..., Coroutine[Any, Any, Response]]


class StrictRoute(APIRoute):
    """A route whose endpoint may ask for ``query`` and ``body``; see the module.

    The operation id is the endpoint's name. ``responses`` are added to the problems that every
    such route can answer; ``openapi_extra`` replaces what is said of query and body.
    """

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        # Some releases of the framework make a route anew, of what it has by then, when its
        # router is included.
        if not hasattr(endpoint, "__wrapped__"):
            asked = Inputs(endpoint)
            endpoint = asked.read_for(endpoint)
            answers = problems(writes=options["methods"] != ["GET"])
            options["operation_id"] = endpoint.__name__
            options["openapi_extra"] = options["openapi_extra"] or asked.documented()
            options["responses"] = {**(options["responses"] or {}), **answers}
        super().__init__(path, endpoint, **options)


class Inputs:
    """What an endpoint asks for besides the request and parts of its path."""

    def __init__(self, endpoint: Endpoint) -> None:
        signature = inspect.signature(endpoint)
        others = dict(signature.parameters)
        query, body = others.pop("query", None), others.pop("body", None)
        self._others = signature.replace(parameters=list(others.values()))
        self._takes_query = query is not None
        self._query: type[Query] = Query if query is None else query.annotation
        self._body: type[Body] | None = None if body is None else body.annotation
        self._body_required = body is not None and body.default is body.empty

    def read_for(self, endpoint: Endpoint) -> Endpoint:
        """Wrap the endpoint in a function of the request and its path, which reads the rest."""

        @wraps(endpoint)
        async def strict(request: Request, **path: Any) -> Response:
            return await endpoint(request=request, **path, **await self._read(request))

        # what the framework goes by
        vars(strict)["__signature__"] = self._others
        return strict

    async def _read(self, request: Request) -> dict[str, Any]:
        query = read_query(request, self._query)
        given: dict[str, Any] = {"query": query} if self._takes_query else {}
        if self._body is not None:
            raw = await read_body(request)
            if raw or self._body_required:
                given["body"] = parse_body(raw, self._body)
        return given

    def documented(self) -> dict[str, Any]:
        """OpenAPI of query and body."""
        return inputs(self._query, self._body, body_required=self._body_required)
