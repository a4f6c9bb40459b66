"""The servers behind the learned policies: our own on a free loopback port, or a given one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import orjson

import app
from app.adapters.clock import SystemClock
from app.adapters.policy_http import HttpPolicyClient, HttpPolicyOptions
from app.backtest.options import RL
from app.core.errors import HimariError
from app.core.types import JsonObject
from app.demo.servers import REQUEST_SEC, running_service
from app.facade.options import policy_options
from app.settings import Settings

APPLICATION: Final = "inference_server.main:app"
MODEL_DIR: Final = "HIMARI_INFERENCE_MODEL_DIR"
MODEL: Final = "HIMARI_INFERENCE_MODEL"
LINEAR_FILE: Final = "linear"


class ServerMissing(HimariError):
    """There is no inference server to start or to ask."""


@dataclass(frozen=True, slots=True)
class Served:
    """A server that answers: URL of its single call, its model card where it has one, whose."""

    endpoint: str
    card: JsonObject | None
    own: bool = True


@contextmanager
def served(name: str, url: str | None) -> Iterator[Served]:
    """Provide the server of one learned policy while the block runs.

    Parameters
    ----------
    name : str
        ``rl`` is the server's default model, ``linear`` the version named by that file of the
        model folder.
    url : str, optional
        Of a running server, for ``rl`` only; nothing is started then. Without a path ``/predict``
        is meant.

    Raises
    ------
    ServerMissing
        If the package of the server is not there, or the given server does not answer.
    ServiceNotReady
        If our own does not become ready.
    """
    if url is not None and name == RL:
        endpoint = url if urlsplit(url).path.strip("/") else url.rstrip("/") + "/predict"
        yield Served(endpoint, _given_card(endpoint), own=False)
        return
    settings = {MODEL: version} if (version := _version(name)) else {}
    if MODEL_DIR in os.environ:
        settings[MODEL_DIR] = os.environ[MODEL_DIR]
    _package()
    with running_service(settings, APPLICATION) as client:
        yield Served(f"{client.base_url}".rstrip("/") + "/predict", _card(client))


def why_absent(name: str) -> str | None:
    """Say why a learned policy cannot be played, or None."""
    if name == RL or _version(name):
        return None
    return f"no file {LINEAR_FILE!r} in the model folder names a linear version"


def policy_client(server: Served, settings: Settings) -> HttpPolicyClient:
    """Make the service's own client; a given server gets wire, key and headers of the settings."""
    # msgpack spares both sides the decoding of histories
    options = HttpPolicyOptions(wire="msgpack") if server.own else policy_options(settings)
    timeout_sec = settings.rl_timeout_sec
    return HttpPolicyClient(server.endpoint, timeout_sec, clock=SystemClock(), options=options)


def _version(name: str) -> str:
    file = _model_folder() / LINEAR_FILE
    return file.read_text("utf-8").strip() if name != RL and file.is_file() else ""


def _model_folder() -> Path:
    return Path(os.environ.get(MODEL_DIR) or _package() / "models")


def _package() -> Path:
    # it lies beside ours and is never imported: the two applications share no code
    folder = Path(app.__file__).resolve().parent.parent / APPLICATION.partition(".")[0]
    if not (folder / "main.py").is_file():
        raise ServerMissing("the package inference_server is not installed beside the service")
    return folder


def _card(client: httpx.Client) -> JsonObject | None:
    answer = client.get("/model")
    if answer.status_code != httpx.codes.OK:
        return None
    card: JsonObject = orjson.loads(answer.content)
    return card


def _given_card(url: str) -> JsonObject | None:
    """Read ``/model`` beside the given ``/predict``; servers from the guide have none.

    Raises
    ------
    ServerMissing
        If nothing answers there.
    """
    base = url.rstrip("/").removesuffix("/predict")
    try:
        with httpx.Client(base_url=base, timeout=REQUEST_SEC, trust_env=False) as client:
            return _card(client)
    except (httpx.HTTPError, httpx.InvalidURL, orjson.JSONDecodeError) as error:
        if isinstance(error, orjson.JSONDecodeError):
            return None
        raise ServerMissing(f"no inference server answers at {url}: {error}") from error
