"""The servers behind the learned policies: our own on a free loopback port, or a given one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx

from app.adapters.clock import SystemClock
from app.adapters.policy.http import HttpPolicyClient
from app.adapters.policy.options import HttpPolicyOptions
from app.adapters.policy.post import request_headers, tls_context
from app.backtest.options import RL
from app.core.types import JsonObject
from app.facade.options import policy_options
from app.processes.inference import (
    ServerMissing,
    model_folder,
    read_model_card,
    running_inference_server,
)
from app.processes.service import REQUEST_SEC
from app.settings import Settings

LINEAR_FILE: Final = "linear"


@dataclass(frozen=True, slots=True)
class Served:
    """A server that answers: URL of its single call, its model card where it has one, whose."""

    endpoint: str
    card: JsonObject | None
    own: bool = True


@contextmanager
def served(name: str, url: str | None, settings: Settings) -> Iterator[Served]:
    """Provide the server of one learned policy while the block runs.

    Parameters
    ----------
    name : str
        ``rl`` is the server's default model, ``linear`` the version named by that file of the
        model folder.
    url : str, optional
        Of a running server, for ``rl`` only; nothing is started then. Without a path ``/predict``
        is meant.
    settings : Settings
        Whose key, headers and authorities a given server is asked with.

    Raises
    ------
    ServerMissing
        If the package of the server is not there, or the given server does not answer.
    ServiceNotReady
        If our own does not become ready.
    """
    if url is not None and name == RL:
        endpoint = url if urlsplit(url).path.strip("/") else url.rstrip("/") + "/predict"
        yield Served(endpoint, _given_card(endpoint, settings), own=False)
        return
    with running_inference_server(_version(name)) as (endpoint, card):
        yield Served(endpoint, card)


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
    file = model_folder() / LINEAR_FILE
    return file.read_text("utf-8").strip() if name != RL and file.is_file() else ""


def _given_card(url: str, settings: Settings) -> JsonObject | None:
    """Read ``/model`` beside the given ``/predict``; servers from the guide have none.

    Raises
    ------
    ServerMissing
        If nothing answers there, or it cannot be asked with these settings.
    """
    try:
        with _client_of(httpx.URL(url.rstrip("/").removesuffix("/predict")), settings) as client:
            return read_model_card(client)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServerMissing(f"no inference server answers at {url}: {error}") from error
    except ValueError as error:
        raise ServerMissing(f"{url} cannot be asked: {error}") from error


def _client_of(base: httpx.URL, settings: Settings) -> httpx.Client:
    """Ask as the policy client does: the same key, headers and trust."""
    options = policy_options(settings)
    return httpx.Client(
        # what the URL says of a user is in the headers already, behind the key
        base_url=base.copy_with(userinfo=b""),
        headers=request_headers(base, options.api_key, options.headers),
        verify=tls_context(base, options.ca_file),
        timeout=REQUEST_SEC,
        trust_env=False,
    )
