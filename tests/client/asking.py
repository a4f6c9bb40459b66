"""One way to use either client from a test that awaits."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.client import AsyncHimariClient, ClientOptions, HimariClient
from tests.adapters.policy.policy_server import Behaviour, Conversation, PolicyServer, response

Ask = Callable[..., Awaitable[Any]]
QUICK = ClientOptions(deadline_sec=20.0, attempt_sec=10.0, first_wait_sec=0.001)


async def _awaiting(
    url: str, name: str, *args: Any, options: ClientOptions = QUICK, **named: Any
) -> Any:
    async with AsyncHimariClient(url, options=options) as client:
        return await getattr(client, name)(*args, **named)


async def _blocking(
    url: str, name: str, *args: Any, options: ClientOptions = QUICK, **named: Any
) -> Any:
    def asked() -> Any:
        with HimariClient(url, options=options) as client:
            return getattr(client, name)(*args, **named)

    return await asyncio.to_thread(asked)


@pytest.fixture(params=[_blocking, _awaiting], ids=["blocking", "awaiting"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Call an operation by its name, with a client of its own."""
    made: Ask = request.param
    return made


def address(server: PolicyServer) -> str:
    return f"http://127.0.0.1:{server.port}"


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Treat the first connection by the first, and so on; the last one stays."""
    left = list(behaviours)

    async def behave(conversation: Conversation) -> None:
        chosen = left.pop(0) if len(left) > 1 else left[0]
        await chosen(conversation)

    return behave


def saying(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Behaviour:
    """Answer, and close the connection as announced."""
    data = response(body, status, {"connection": "close", **(headers or {})})

    async def behave(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(data)

    return behave
