"""The file of keys: what it may hold, who may write it, and when it is read again."""

import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from structlog.testing import capture_logs

from app.adapters.key_file import WatchedKeyFile, read_key_file, write_key_file
from app.core.access import KeyRing, Role, hashed, key_from_text
from app.core.errors import KeyFileUnusable
from tests.fakes import FakeClock

DESK = hashed("desk", [Role.TRADE], "desk's")
RISK = hashed("risk", [Role.OPERATE], "risk's")
NOBODY = KeyRing([])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "himari.keys"


def put(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text, "utf-8")
    path.chmod(mode)


def test_keys_are_read_back_and_the_file_is_its_owners_alone(path: Path) -> None:
    write_key_file(path, KeyRing([DESK, RISK]))
    assert read_key_file(path).keys == (DESK, RISK)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "desk's" not in path.read_text("ascii")
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def another_owner(path: Path) -> tuple[int, int]:
    """Give the file to somebody else, or as far as this user may: to one of its own groups."""
    owner = (12_345, 23_456) if os.geteuid() == 0 else (os.geteuid(), max(os.getgroups()))
    os.chown(path, *owner)
    return owner


@pytest.mark.parametrize("before", [0o600, 0o640, 0o644])
def test_a_file_that_is_replaced_keeps_its_owner_and_its_group(path: Path, before: int) -> None:
    put(path, DESK.entry(), before)
    owner = another_owner(path)
    write_key_file(path, KeyRing([RISK]))
    found = path.stat()
    assert (found.st_uid, found.st_gid) == owner
    assert stat.S_IMODE(found.st_mode) == before & 0o640
    assert read_key_file(path).keys == (RISK,)


@contextmanager
def as_user(uid: int) -> Iterator[None]:
    before = os.geteuid()
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_file_of_an_owner_who_cannot_be_kept_is_the_writers_own() -> None:
    writer = 12_345 if os.geteuid() == 0 else os.geteuid()
    with TemporaryDirectory() as shared:
        path = Path(shared, "himari.keys")
        put(path, DESK.entry(), 0o640)
        Path(shared).chmod(0o777)
        with as_user(writer):
            write_key_file(path, KeyRing([RISK]))
        assert read_key_file(path).keys == (RISK,)
        assert path.stat().st_uid == writer


def test_comments_and_blank_lines_say_nothing(path: Path) -> None:
    put(path, f"# keys\n\n  {DESK.entry()}  \n\t# {RISK.entry()}\n")
    assert read_key_file(path).keys == (DESK,)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a plain key", "line 1: a key's entry must be name:roles:hash"),
        (f"# x\n{DESK.entry()}0", "line 2: the hash of key desk"),
        (f"{DESK.entry()}\n{DESK.entry()}", "must be unique, was desk twice"),
        ("\u00e4:trade:" + "0" * 64, "line 1: a key's name"),
        ("#" * 1_000_001, "at most 1000000 bytes"),
    ],
)
def test_anything_else_is_refused_without_being_shown(path: Path, text: str, sentence: str) -> None:
    put(path, text)
    with pytest.raises(KeyFileUnusable, match=sentence) as caught:
        read_key_file(path)
    assert "plain key" not in str(caught.value)
    assert DESK.digest.hex()[:8] not in str(caught.value)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(path: Path, mode: int) -> None:
    put(path, DESK.entry(), mode)
    with pytest.raises(KeyFileUnusable, match="may be written by others, make it: chmod 600"):
        read_key_file(path)


def test_a_file_that_is_not_there_is_a_sentence(path: Path) -> None:
    with pytest.raises(KeyFileUnusable, match="keys cannot be read: No such file"):
        read_key_file(path)
    with pytest.raises(KeyFileUnusable, match="cannot be written: No such file"):
        write_key_file(path / "below", NOBODY)


def test_a_change_is_read_after_a_second_and_not_before(path: Path) -> None:
    clock = FakeClock()
    write_key_file(path, KeyRing([DESK, RISK]))
    watched = WatchedKeyFile(path, clock, NOBODY)
    write_key_file(path, KeyRing([RISK]))
    clock.advance(0.9)
    assert watched().find(b"desk's") == DESK
    clock.advance(0.2)
    with capture_logs() as lines:
        assert watched().find(b"desk's") is None
    assert [(line["event"], line["names"]) for line in lines] == [("key_file_read", ["risk"])]
    assert watched().find(b"risk's") == RISK


@pytest.mark.parametrize("fault", ["gone", "others may write it", "not a key file"])
def test_a_file_that_became_unusable_is_told_once_and_the_keys_stay(path: Path, fault: str) -> None:
    clock = FakeClock()
    write_key_file(path, KeyRing([DESK]))
    watched = WatchedKeyFile(path, clock, NOBODY)
    if fault == "gone":
        path.unlink()
    elif fault == "not a key file":
        put(path, "nothing of the kind")
    else:
        path.chmod(0o666)
    with capture_logs() as lines:
        for _ in range(3):
            clock.advance(2.0)
            assert watched().find(b"desk's") == DESK
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("key_file_unusable", "error")
    ]
    write_key_file(path, KeyRing([RISK]))
    clock.advance(2.0)
    assert watched().keys == (RISK,)


@contextmanager
def no_file_opens() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_change_that_could_not_be_read_is_read_once_it_can_be(path: Path) -> None:
    clock = FakeClock()
    write_key_file(path, KeyRing([DESK]))
    watched = WatchedKeyFile(path, clock, NOBODY)
    write_key_file(path, KeyRing([RISK]))
    with no_file_opens():
        clock.advance(2.0)
        assert watched().keys == (DESK,)
    clock.advance(2.0)
    assert watched().keys == (RISK,)


def test_a_fault_that_comes_again_is_told_again(path: Path) -> None:
    clock = FakeClock()
    write_key_file(path, KeyRing([DESK]))
    watched = WatchedKeyFile(path, clock, NOBODY)
    with capture_logs() as lines:
        for mode in (0o666, 0o600, 0o666):
            path.chmod(mode)
            clock.advance(2.0)
            watched()
    assert [line["event"] for line in lines] == ["key_file_unusable"] * 2


def test_the_keys_of_the_settings_are_in_force_beside_it(path: Path) -> None:
    plain = key_from_text("plain")
    write_key_file(path, KeyRing([DESK]))
    watched = WatchedKeyFile(path, FakeClock(), KeyRing([plain]))
    assert watched().find(b"plain") == plain
    assert watched().find(b"desk's") == DESK


def test_a_file_that_contradicts_the_settings_is_refused(path: Path) -> None:
    write_key_file(path, KeyRing([DESK]))
    beside = KeyRing([hashed("desk", [Role.READ], "another")])
    with pytest.raises(
        KeyFileUnusable,
        match="and HIMARI_API_KEYS together: key names must be unique, was desk twice",
    ):
        WatchedKeyFile(path, FakeClock(), beside)


def test_an_unchanged_file_is_not_read_again(path: Path) -> None:
    clock = FakeClock()
    write_key_file(path, KeyRing([DESK]))
    watched = WatchedKeyFile(path, clock, NOBODY)
    first = watched()
    clock.advance(5.0)
    # reading makes a new ring
    assert watched() is first
