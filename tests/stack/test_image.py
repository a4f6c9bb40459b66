"""The Dockerfile: what goes into the images and what stays out."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text("ascii").replace("\\\n", " ")
STAGES: Final = dict(re.findall(r"(?ms)^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", DOCKERFILE))
IMPORTED: Final = """
import json, sys
from importlib import import_module
from importlib.metadata import packages_distributions
for module in sys.argv[1:]:
    import_module(module)
known = packages_distributions()
names = {name for module in list(sys.modules) for name in known.get(module.split(".")[0], ())}
print(json.dumps(sorted(names)))
"""
MODULES: Final = {
    "service": ("app.main", "app.cli", "app.commands.serve", "app.commands.keys"),
    "inference": ("inference_server.main", "inference_server.model.multiplier", "app.cli",
                  "app.commands.inference"),
}  # fmt: skip


def removed(stage: str) -> Iterator[str]:
    for words in re.findall(r"pip uninstall --yes ([a-z0-9 -]+)", STAGES[stage]):
        yield from words.split()


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")


@pytest.mark.parametrize("server", ["service", "inference"])
def test_what_an_image_leaves_out_its_server_never_imports(server: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *MODULES[server]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {name.lower().replace("_", "-") for name in json.loads(done.stdout)}
    left_out = set(removed(f"{server}-builder")) - {"setuptools", "pip"}
    assert "fastapi" in imported
    assert left_out
    assert imported & left_out == set()


@pytest.mark.parametrize("server", ["service", "inference"])
def test_every_package_comes_by_its_hash(server: str) -> None:
    installs = re.findall(r"pip install ([^&\n]+)", STAGES[f"{server}-builder"])
    assert len(installs) >= 3
    for words in installs:
        own = words.split() == ["--no-deps", "--no-build-isolation", "."]
        assert own or "--require-hashes" in words


@pytest.mark.parametrize("server", ["service", "inference"])
def test_the_image_takes_nothing_of_the_builder_but_the_environment(server: str) -> None:
    assert re.findall(r"(?m)^COPY (.+)$", STAGES[server]) == [
        f"--from={server}-builder /opt/himari /opt/himari"
    ]


def test_servers_run_as_a_user_of_a_fixed_number_and_end_by_sigterm() -> None:
    runtime = STAGES["runtime"]
    assert "USER 10001:10001" in runtime
    assert "STOPSIGNAL SIGTERM" in runtime
    for server in ("service", "inference"):
        assert "USER" not in STAGES[server]
        assert "HEALTHCHECK" in STAGES[server]


def test_nothing_is_named_that_only_one_network_has() -> None:
    assert re.findall(r"https?://(?!127\.0\.0\.1)\S+", DOCKERFILE) == []


def test_the_base_is_pinned_by_a_tag() -> None:
    bases = re.findall(r"(?m)^FROM (\S+) AS", DOCKERFILE)
    outside = [base for base in bases if base not in STAGES]
    assert outside == ["python:3.11-slim-bookworm"]


def test_images_carry_the_version_of_the_project() -> None:
    version = re.search(r'(?m)^version = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"))
    assert version is not None
    labelled = re.findall(r'image\.version="([^"]+)"', DOCKERFILE)
    assert labelled == [version[1], version[1]]
    compose = (ROOT / "docker-compose.yml").read_text("ascii")
    assert re.findall(r"image: himari-\w+:(\S+)", compose) == labelled


@pytest.mark.parametrize("package", ["app", "edge", "inference_server"])
def test_every_file_that_is_no_module_is_installed_as_package_data(package: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"][package]
    room = ROOT / package
    installed = {path for pattern in patterns for path in room.glob(pattern)}
    needed = [
        path
        for path in room.rglob("*")
        if path.is_file()
        and path.suffix not in {".py", ".pyc"}
        and not path.is_relative_to(ROOT / "inference_server" / "training")
    ]
    assert [str(path) for path in needed if path not in installed] == []


def test_secrets_and_journals_never_reach_a_build() -> None:
    lines = (ROOT / ".dockerignore").read_text("ascii").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert [rule for rule in rules if rule.startswith("!")] == [
        "!app", "!edge", "!inference_server", "!pyproject.toml", "!README.md", "!requirements",
    ]  # fmt: skip
