"""Settings read again from a real file: checked first, put in force whole, or kept as they were."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from app.adapters.reload import SettingsReloader, SettingsSource, flatten_groups
from app.core.errors import JournalUnavailable
from tests.adapters.notify.hook_server import until
from tests.fakes import FakeClock

Values = dict[str, Any]
LIVE = ("limit", "kelly.floor")


class Bad(Exception):
    """The file is no mapping of names to numbers."""


def read(path: Path) -> Values:
    try:
        lines = path.read_text().splitlines()
        flat = {name.strip(): float(value) for name, value in (line.split(":") for line in lines)}
    except (OSError, ValueError) as error:
        raise Bad(type(error).__name__) from error
    return flat


@dataclass
class Applied:
    """What was put in force, and how the next one goes."""

    calls: list[tuple[Values, list[str], str]] = field(default_factory=list)
    error: Exception | None = None

    def __call__(self, values: Values, names: Sequence[str], cause: str) -> Awaitable[None]:
        if self.error is not None:
            raise self.error
        self.calls.append((values, list(names), cause))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


def source(path: Path, applied: Applied) -> SettingsSource[Values]:
    return SettingsSource(
        read=lambda: read(path),
        unusable=(Bad,),
        flatten=dict,
        is_live=LIVE.__contains__,
        apply=applied,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "settings"
    file.write_text("limit: 0.15\nport: 8000")
    return file


Made = tuple[SettingsReloader[Values], Applied]


def made(path: Path, initial: Values | None = None) -> Made:
    applied = Applied()
    return (
        SettingsReloader(path, source(path, applied), initial or read(path), FakeClock()),
        applied,
    )


@asynccontextmanager
async def watching(path: Path) -> AsyncIterator[Made]:
    reloader, applied = made(path)
    reloader.start()
    try:
        yield reloader, applied
    finally:
        await reloader.stop()


def counted(outcome: str) -> float:
    found = REGISTRY.get_sample_value("himari_l3_settings_reloads_total", {"outcome": outcome})
    return found or 0.0


def rewrite(path: Path, content: str) -> None:
    path.write_text(content)


def replace(path: Path, content: str) -> None:
    beside = path.with_name("beside")
    beside.write_text(content)
    beside.replace(path)


def remove_and_write(path: Path, content: str) -> None:
    path.unlink()
    path.write_text(content)


def turn(path: Path, name: str, content: str) -> None:
    """Make the path a link to a file of that name."""
    target, turned = path.with_name(name), path.with_name("turned")
    target.write_text(content)
    turned.symlink_to(target)
    turned.replace(path)


def remove(path: Path) -> None:
    path.unlink()


async def test_what_may_change_is_put_in_force_and_the_rest_needs_a_restart(path: Path) -> None:
    reloader, applied = made(path)
    before = counted("applied")
    rewrite(path, "limit: 0.1\nport: 9000\nkelly.floor: 0.2")
    assert await reloader.reload("SIGHUP") == "applied"
    assert [(names, cause) for _, names, cause in applied.calls] == [
        (["kelly.floor", "limit"], "SIGHUP")
    ]
    state = reloader.state()
    assert (state["applied"], state["needs_restart"]) == (["kelly.floor", "limit"], ["port"])
    assert counted("applied") == before + 1
    assert REGISTRY.get_sample_value("himari_l3_settings_need_restart") == 1.0


async def test_what_needs_a_restart_stays_told_until_it_is_undone(path: Path) -> None:
    reloader, applied = made(path)
    rewrite(path, "limit: 0.15\nport: 9000")
    assert await reloader.reload("SIGHUP") == "needs_restart"
    rewrite(path, "limit: 0.2\nport: 9000")
    assert await reloader.reload("SIGHUP") == "applied"
    assert reloader.state()["needs_restart"] == ["port"]
    rewrite(path, "limit: 0.2\nport: 8000")
    assert await reloader.reload("SIGHUP") == "unchanged"
    assert reloader.state()["needs_restart"] == []
    assert len(applied.calls) == 1


@pytest.mark.parametrize(
    ("content", "error"),
    [("limit: much", "ValueError"), ("", "{path} is empty"), (None, "FileNotFoundError")],
)
async def test_what_cannot_be_used_is_told_and_changes_nothing(
    path: Path, content: str | None, error: str
) -> None:
    reloader, applied = made(path)
    before = counted("refused")
    if content is None:
        remove(path)
    else:
        rewrite(path, content)
    assert await reloader.reload("SIGHUP") == "refused"
    assert reloader.state()["error"] == error.format(path=path)
    assert applied.calls == []
    assert counted("refused") == before + 1
    assert REGISTRY.get_sample_value("himari_l3_settings_refused") == 1.0
    rewrite(path, "limit: 0.3\nport: 8000")
    assert await reloader.reload("SIGHUP") == "applied"
    assert reloader.state()["error"] is None
    assert REGISTRY.get_sample_value("himari_l3_settings_refused") == 0.0


async def test_a_change_that_cannot_be_journalled_is_refused_and_may_come_again(
    path: Path,
) -> None:
    reloader, applied = made(path)
    applied.error = JournalUnavailable("the journal cannot be written: disk full")
    rewrite(path, "limit: 0.3\nport: 8000")
    assert await reloader.reload("SIGHUP") == "refused"
    assert reloader.state()["error"] == "the journal cannot be written: disk full"
    applied.error = None
    assert await reloader.reload("SIGHUP") == "applied"


async def test_what_the_caller_of_the_program_set_stays_so(path: Path) -> None:
    reloader, applied = made(path, {"limit": 0.05, "port": 8000.0})
    rewrite(path, "limit: 0.5\nport: 8000")
    assert await reloader.reload("SIGHUP") == "unchanged"
    assert applied.calls == []


@pytest.mark.parametrize("write", [rewrite, replace, remove_and_write])
async def test_the_file_is_watched_however_it_is_written(
    path: Path, write: Callable[[Path, str], None]
) -> None:
    async with watching(path) as (_, applied):
        for place, limit in enumerate((0.1, 0.2, 0.3), start=1):
            write(path, f"limit: {limit}\nport: 8000")
            await until(lambda: len(applied.calls) == place)  # noqa: B023 - awaited in its turn
            assert applied.calls[-1][0]["limit"] == limit
            assert applied.calls[-1][2] == "the file changed"


async def test_a_link_that_is_turned_to_another_file_is_a_change(path: Path) -> None:
    turn(path, "first", "limit: 0.15\nport: 8000")
    async with watching(path) as (_, applied):
        turn(path, "second", "limit: 0.4\nport: 8000")
        await until(lambda: len(applied.calls) == 1)
    assert applied.calls[0][0]["limit"] == 0.4


async def test_a_file_that_comes_back_is_read(path: Path) -> None:
    async with watching(path) as (reloader, applied):
        remove(path)
        await until(lambda: reloader.state()["error"] is not None)
        rewrite(path, "limit: 0.4\nport: 8000")
        await until(lambda: len(applied.calls) == 1)
    assert reloader.state()["error"] is None


async def test_a_file_that_is_only_touched_changes_nothing(path: Path) -> None:
    async with watching(path) as (reloader, applied):
        os.utime(path)
        await until(lambda: reloader.state()["outcome"] == "unchanged")
    assert applied.calls == []


async def test_watching_ends_at_once(path: Path) -> None:
    reloader, _ = made(path)
    reloader.start()
    async with asyncio.timeout(10.0):
        await reloader.stop()


def test_groups_are_opened_and_other_mappings_are_values() -> None:
    values = {"port": 1, "kelly": {"floor": 2}, "headers": {"a": 3}}
    assert flatten_groups(values, ["kelly"]) == {"port": 1, "kelly.floor": 2, "headers": {"a": 3}}
