"""One question of the production checklist, and its answer."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import httpx

from app.commands.own_service import service_client, service_url
from app.core.access import is_entry
from app.settings import Settings

REPLY_SEC: Final = 5.0


@dataclass(frozen=True, slots=True)
class ProductionOptions:
    """What the doctor cannot know by itself.

    Attributes
    ----------
    only : str
        Subject to look at alone; "" for all.
    caller_timeout_sec : float, seconds
        How long the callers of ``POST /allocate`` wait.
    api_key : str or None
        A key that may read; by default the first of API_KEYS that is there in plain.
    prometheus_url, alertmanager_url, grafana_url : str or None
    """

    only: str = ""
    caller_timeout_sec: float = 10.0
    api_key: str | None = None
    prometheus_url: str | None = None
    alertmanager_url: str | None = None
    grafana_url: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Yes, no or not applicable; what was found; what to do about a no."""

    answer: Literal["yes", "no", "not applicable"]
    text: str
    todo: str = ""

    def line(self, subject: str) -> str:
        """One line of plain ASCII."""
        todo = f"; do: {self.todo}" if self.todo else ""
        text = f"{self.answer:<14}  {subject:<13} {self.text}{todo}"
        return " ".join(text.encode("ascii", "backslashreplace").decode().splitlines())


def yes(text: str) -> Verdict:
    """Answer that it is so."""
    return Verdict("yes", text)


def no(text: str, todo: str) -> Verdict:
    """Answer that it is not so, and what to do."""
    return Verdict("no", text, todo)


def not_applicable(text: str) -> Verdict:
    """Answer that there is nothing to look at."""
    return Verdict("not applicable", text)


class Deployment:
    """The settings in force here, and the service that may run on them.

    Parameters
    ----------
    settings : Settings
    options : ProductionOptions
    """

    def __init__(self, settings: Settings, options: ProductionOptions) -> None:
        self.settings = settings
        self.options = options

    @cached_property
    def is_running(self) -> bool:
        """Whether the service answers on its own address."""
        reply = self._get_from_service("/health/live", {})
        return reply is not None and reply.content == b'{"status":"alive"}'

    def get(self, path: str) -> httpx.Response | None:
        """Ask the running service, with a key where one can be sent; None if nobody answers."""
        key = self.options.api_key or self._plain_key()
        return self._get_from_service(
            path, {} if key is None else {"Authorization": f"Bearer {key}"}
        )

    def get_from_policy(self, path: str) -> httpx.Response | None:
        """Ask the policy server beside its /predict, as a decision would; None if it is silent."""
        settings = self.settings
        headers = {name: value.get_secret_value() for name, value in settings.rl_headers.items()}
        if settings.rl_api_key is not None:
            headers["Authorization"] = f"Bearer {settings.rl_api_key.get_secret_value()}"
        trust = ssl.create_default_context(cafile=settings.rl_ca_file)
        try:
            with httpx.Client(verify=trust, trust_env=False, timeout=REPLY_SEC) as client:
                return client.get(
                    f"{settings.rl_endpoint.rpartition('/')[0]}{path}", headers=headers
                )
        except (httpx.HTTPError, httpx.InvalidURL):
            return None

    def _get_from_service(self, path: str, headers: dict[str, str]) -> httpx.Response | None:
        try:
            with service_client(self.settings, REPLY_SEC) as client:
                return client.get(f"{service_url(self.settings)}{path}", headers=headers)
        except (OSError, ValueError, httpx.HTTPError, httpx.InvalidURL):
            return None

    def _plain_key(self) -> str | None:
        keys = [key.get_secret_value() for key in self.settings.api_keys]
        return next((key for key in keys if not is_entry(key)), None)

    def judge_reply(self, path: str, read: Callable[[Any], Verdict]) -> Verdict:
        """Give the verdict on what the running service says at a path."""
        if not self.is_running:
            return not_applicable("the service does not run here; start it and ask again")
        reply = self.get(path)
        if reply is None:
            return not_applicable(f"the service gave no answer at {path}")
        if reply.status_code in {401, 403}:
            return not_applicable("give a key that may read with --api-key")
        try:
            return read(reply.json())
        except (ValueError, LookupError, TypeError):
            return no(
                f"{path} answered {reply.status_code} without what it promises", "see its log"
            )


def get_from(url: str, path: str) -> httpx.Response | None:
    """Ask another server of the stack once; None if nobody answers."""
    try:
        with httpx.Client(trust_env=False, timeout=REPLY_SEC) as client:
            return client.get(f"{url.rstrip('/')}{path}")
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
