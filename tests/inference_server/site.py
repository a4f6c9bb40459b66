"""A server over ASGI, and one on a real loopback port."""

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI

from inference_server.main import create_app
from inference_server.model.kinds import KINDS
from inference_server.settings import Settings
from tests.inference_server.policies import EchoPolicy, setup_constant


def build_app(store: Path, echo: EchoPolicy | None = None, **settings: object) -> FastAPI:
    """Make an application that knows the tests' kinds; without a store, the shipped dummy."""
    kinds = {**KINDS, "constant": setup_constant, "echo": (echo or EchoPolicy()).setup}
    chosen: dict[str, object] = {"log_level": "ERROR"} | settings
    if store.exists():
        chosen["model_dir"] = store
    else:
        chosen.setdefault("model", "dummy-1")
    return create_app(Settings(**chosen), kinds=kinds)  # type: ignore[arg-type]


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Start an application and reach it without sockets."""
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://inference") as client,
    ):
        yield client


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """Serve an application on a free loopback port from a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            # the socket listens already: a request waits until the server is there
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()
