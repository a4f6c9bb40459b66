"""Images of the names that the stack asks for, made from Debian's packages: nothing is pulled."""

import os
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.tools.stack.engine import CACHE, Engine, StackBroken, path_of

SUITE: Final = "bookworm"
_CERTIFICATES: Final = "etc/ssl/certs/ca-certificates.crt"
_ALERTMANAGER: Final = "/usr/bin/prometheus-alertmanager"
_DATABASE: Final = "var/lib/postgresql/data"
# What the image's own entry point does, as far as the stack uses it. Its socket is in /tmp: podman
# gives a mount below /run the mode of /run.
_DATABASE_ENTRY: Final = f"""\
#!/bin/sh
set -eu
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
export PGDATA=/{_DATABASE}
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    printf %s "$POSTGRES_PASSWORD" > /tmp/password
    initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --auth=scram-sha-256 --encoding=UTF8
    rm /tmp/password
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "create database $POSTGRES_DB" | postgres --single postgres
fi
exec postgres -c listen_addresses='*' -c unix_socket_directories=/tmp
"""


@dataclass(frozen=True, slots=True)
class StandIn:
    """Debian with a few packages, under other images' names.

    Parameters
    ----------
    packages : tuple of str
    entries : mapping of image to the words that it runs
    prepare : callable
        Makes what else those images have; takes the root.
    """

    packages: tuple[str, ...]
    entries: Mapping[str, str]
    prepare: Callable[[Path], None]


def _lead_to_packages(root: Path) -> None:
    """Let pip inside trust and ask whom it trusts and asks outside."""
    trusted = ssl.get_default_verify_paths().cafile
    if trusted is not None:
        shutil.copyfile(trusted, root / _CERTIFICATES)
    lines = ["[global]", f"cert = /{_CERTIFICATES}"]
    if index := os.environ.get("PIP_INDEX_URL"):
        lines.append(f"index-url = {index}")
    (root / "etc/pip.conf").write_text("\n".join(lines) + "\n", "utf-8")


def _make_monitoring_folders(root: Path) -> None:
    for name in ("prometheus", "alertmanager"):
        _make_folder(root / name, 65534)


def _make_database(root: Path) -> None:
    with (root / "etc/passwd").open("a", encoding="ascii") as users:
        users.write("database:x:999:999::/:/bin/sh\n")
    _make_folder(root / _DATABASE, 999)
    for program in sorted((root / "usr/lib/postgresql").glob("*/bin/pg_isready")):
        target = root / "usr/local/bin/pg_isready"
        target.symlink_to(f"/{program.relative_to(root)}")
    entry = root / "usr/local/bin/docker-entrypoint.sh"
    entry.write_text(_DATABASE_ENTRY, "ascii")
    entry.chmod(0o755)


def _make_folder(path: Path, owner: int) -> None:
    path.mkdir(mode=0o700)
    os.chown(path, owner, owner)


STAND_INS: Final = (
    StandIn(
        ("ca-certificates", "python3", "python3-venv"),
        {"docker.io/library/python:3.11-slim-bookworm": 'CMD ["python3"]'},
        _lead_to_packages,
    ),
    StandIn(
        ("wget", "prometheus", "prometheus-alertmanager"),
        {
            "docker.io/prom/prometheus:v3.5.0": 'ENTRYPOINT ["/usr/bin/prometheus"]',
            "docker.io/prom/alertmanager:v0.28.1": f'ENTRYPOINT ["{_ALERTMANAGER}"]',
        },
        _make_monitoring_folders,
    ),
    StandIn(
        ("postgresql-15",),
        {"docker.io/library/postgres:17.6-bookworm": 'ENTRYPOINT ["docker-entrypoint.sh"]'},
        _make_database,
    ),
)


def make_stand_ins(engine: Engine) -> list[str]:
    """Make what is not there yet; return the names of the images that were made."""
    made: list[str] = []
    for stand_in in STAND_INS:
        absent = [image for image in stand_in.entries if not engine.has_image(image)]
        if absent:
            _make(engine, stand_in, absent)
            made += absent
    return made


def _make(engine: Engine, stand_in: StandIn, images: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="himari-root-") as name:
        root = Path(name)
        _install(root, stand_in.packages)
        stand_in.prepare(root)
        for image in images:
            _import(engine, root, image, stand_in.entries[image])


def _install(root: Path, packages: tuple[str, ...]) -> None:
    kept = CACHE / "packages"
    kept.mkdir(parents=True, exist_ok=True)
    words = ["--variant=minbase", f"--cache-dir={kept}", f"--include={','.join(packages)}"]
    done = subprocess.run(
        [path_of("debootstrap"), *words, SUITE, str(root)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StackBroken(f"debootstrap: {(done.stdout + done.stderr)[-1500:]}")
    for package in (root / "var/cache/apt/archives").glob("*.deb"):
        package.unlink()
    root.chmod(0o755)


def _import(engine: Engine, root: Path, image: str, change: str) -> None:
    packing = [path_of("tar"), "-C", str(root), "-c", "."]
    with subprocess.Popen(packing, stdout=subprocess.PIPE) as packed:
        engine.podman("import", "--change", change, "-", image, stdin=packed.stdout)
    if packed.returncode:
        raise StackBroken(f"{image} could not be packed")
