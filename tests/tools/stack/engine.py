"""Podman in the place of a Docker engine, with images and state in a folder of its own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

PROGRAMS: Final = {
    "podman": "podman",
    "buildah": "buildah",
    "runc": "runc",
    "catatonit": "catatonit",
    "iptables": "iptables",
    "debootstrap": "debootstrap",
    "/usr/lib/podman/netavark": "netavark",
    "/usr/lib/podman/aardvark-dns": "aardvark-dns",
}
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "himari-stack"
# The engine remembers where this was, so it is always the same.
_RUN: Final = Path("/run/himari-stack")
_STARTED_WITHIN_SEC: Final = 30.0
_CONTAINERS: Final = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "{run}/engine"
[network]
network_backend = "netavark"
network_config_dir = "{run}/networks"
"""
_STORAGE: Final = """\
[storage]
driver = "overlay"
graphroot = "{cache}/storage"
runroot = "{run}/storage"
"""
_REGISTRIES: Final = 'unqualified-search-registries = ["docker.io"]\n'


class StackBroken(Exception):
    """A step of the stack's test did not show what it should."""


def path_of(program: str) -> str:
    """Find a program.

    Raises
    ------
    StackBroken
        If it is not installed.
    """
    found = shutil.which(program)
    if found is None:
        raise StackBroken(f"{program} is not installed")
    return found


def missing_packages() -> list[str]:
    """Name the Debian packages that the engine needs and this machine has not."""
    return [package for program, package in PROGRAMS.items() if shutil.which(program) is None]


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine: ``environment`` leads podman and compose to it."""

    environment: dict[str, str]
    folder: Path

    def podman(self, *words: str, check: bool = True, stdin: Any = None) -> str:
        """Run one podman command and return what it printed.

        Raises
        ------
        StackBroken
            If it fails and ``check`` is on; with the end of what it said.
        """
        done = subprocess.run(
            [path_of("podman"), *words],
            env=self.environment,
            stdin=stdin or subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise StackBroken(f"podman {' '.join(words)}: {done.stderr.strip()[-1500:]}")
        return done.stdout.strip()

    def has_image(self, name: str) -> bool:
        """Whether an image is there already."""
        return bool(self.podman("images", "--quiet", name))

    def image_bytes(self, name: str) -> int:
        """Size of an image with all its layers."""
        return int(self.podman("image", "inspect", name, "--format", "{{.Size}}"))


@contextmanager
def running_engine() -> Iterator[Engine]:
    """Run the engine as a process, until the end.

    Raises
    ------
    StackBroken
        If this is not root, a package is missing, or it does not start.
    """
    if os.geteuid() != 0:
        raise StackBroken("networks of containers need root")
    if missing := missing_packages():
        raise StackBroken(f"please install: {' '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="himari-stack-") as name:
        folder = Path(name)
        engine = Engine(_environment(folder), folder)
        with (folder / "engine.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    path_of("podman"),
                    "system",
                    "service",
                    "--time=0",
                    f"unix://{folder}/engine.sock",
                ],
                env=engine.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            _await_socket(folder, process)
            yield engine
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()
            process.wait(5)


def _environment(folder: Path) -> dict[str, str]:
    for part in ("engine", "networks", "storage"):
        (_RUN / part).mkdir(parents=True, exist_ok=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    (folder / "containers.conf").write_text(_CONTAINERS.format(run=_RUN), "utf-8")
    (folder / "storage.conf").write_text(_STORAGE.format(run=_RUN, cache=CACHE), "utf-8")
    (folder / "registries.conf").write_text(_REGISTRIES, "utf-8")
    (folder / "config.json").write_text("{}\n", "ascii")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HIMARI_", "COMPOSE_", "DOCKER_", "CONTAINERS_"))
    }
    return kept | {
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
        "DOCKER_HOST": f"unix://{folder}/engine.sock",
        "DOCKER_CONFIG": str(folder),
        "DOCKER_BUILDKIT": "0",
        "BUILDAH_ISOLATION": "chroot",
    }


def _await_socket(folder: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = monotonic() + _STARTED_WITHIN_SEC
    while not (folder / "engine.sock").exists():
        if process.poll() is not None or monotonic() > deadline:
            said = (folder / "engine.log").read_text("utf-8")[-1500:]
            raise StackBroken(f"the engine did not start: {said}")
        sleep(0.05)
