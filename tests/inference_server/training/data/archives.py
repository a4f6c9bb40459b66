"""Small archives of made-up packages, and a download that takes them from a folder."""

import io
import shutil
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from inference_server.training.data.catalogue import find_sources
from inference_server.training.data.fetch import cached_path
from inference_server.training.data.packages import Package
from inference_server.training.data.sources import Column, DataFile, Source

CSV = "Date,A,B\n2020-01-01,1.5,10\n2020-01-02,,11\n"
MEMBER = "prices/data/closes.csv"


def write_wheel(folder: Path, members: Mapping[str, str]) -> Path:
    path = folder / "prices-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in members.items():
            wheel.writestr(name, text)
    return path


def write_source_archive(folder: Path, members: Mapping[str, str]) -> Path:
    path = folder / "prices-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as tree:
        for name, text in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tree.addfile(entry, io.BytesIO(text.encode()))
    return path


def package_of(archive: Path, *, source_archive: bool = False) -> Package:
    digest = sha256(archive.read_bytes()).hexdigest()
    return Package("prices", "1.0", digest, "MIT", source_archive)


def file_of(package: Package, text: str = CSV, *columns: Column) -> DataFile:
    return DataFile(package, MEMBER, sha256(text.encode()).hexdigest(), columns)


def source_of(*files: DataFile) -> Source:
    return Source("made_up", "Two instruments.", files)


def cache_installed(names: Sequence[str], cache: Path) -> None:
    """Fill the cache from packages installed beside the tests."""
    for file in (file for source in find_sources(names) for file in source.files):
        package, inside = file.member.split("/", maxsplit=1)
        spec = find_spec(package)
        assert spec is not None
        assert spec.submodule_search_locations
        target = cached_path(file, cache)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(spec.submodule_search_locations[0]) / inside, target)


class FolderDownload:
    """Copies one archive, and counts how often it was asked."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive
        self.calls = 0

    def __call__(self, package: Package, folder: Path) -> Path:
        self.calls += 1
        return Path(shutil.copy(self.archive, folder / f"{package.folder}-copy"))


def refuse_download(package: Package, folder: Path) -> Path:
    message = f"{package.folder} was asked for, into {folder}"
    raise AssertionError(message)
