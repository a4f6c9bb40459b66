"""Reload of settings while the service runs: on a change of the file, and on SIGHUP.

New settings are checked as a whole first; unusable ones are logged and leave the former ones in
force. Only the numbers that the next decision would read anyway are applied; the others are
reported as in need of a restart.
"""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import structlog
from prometheus_client import Counter, Gauge

from app.core.errors import HimariError
from app.pipeline.ports import Clock

_LOG = structlog.get_logger(__name__)
OUTCOMES: Final = ("applied", "unchanged", "refused", "needs_restart")
_reloads = Counter(
    "himari_l3_settings_reloads_total",
    "Readings of the settings while running, by what came of them (count)",
    ("outcome",),
)
RELOADS: Final = {outcome: _reloads.labels(outcome) for outcome in OUTCOMES}
NEED_RESTART: Final = Gauge(
    "himari_l3_settings_need_restart", "Changed settings that wait for a restart (count)"
)
REFUSED: Final = Gauge(
    "himari_l3_settings_refused", "Whether the file as it is cannot be used: 1 yes, 0 no (code)"
)
# the file is checked this often even without change events, which some mounts do not send
_POLL_MS: Final = 1_000
_DEBOUNCE_MS: Final = 100

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class SettingsSource(Generic[S]):
    """How settings are read and applied.

    ``read`` returns them or raises one of ``unusable``, whose text holds no secret; ``flatten``
    returns their values by dotted name; ``is_live`` returns whether a name may change at run time;
    ``apply`` takes the settings read, the names to put in force and the cause: it changes them at
    once, and its awaitable ends when the change is durable.
    """

    read: Callable[[], S]
    unusable: tuple[type[Exception], ...]
    flatten: Callable[[S], Mapping[str, Any]]
    is_live: Callable[[str], bool]
    apply: Callable[[S, Sequence[str], str], Awaitable[None]]


@dataclass(slots=True)
class _LastReload:
    """Time and outcome of the last reload, as ``GET /state`` shows them."""

    at_ns: int | None = None
    outcome: str | None = None
    error: str | None = None
    applied: list[str] = field(default_factory=list)
    needs_restart: list[str] = field(default_factory=list)


class SettingsReloader(Generic[S]):
    """Watcher of one settings file, which applies the settings that may change.

    Parameters
    ----------
    path : Path
    source : SettingsSource
    initial : S
        The settings in force; names for which ``source.read`` now has another value were set by
        the caller of the program, and are never changed.
    clock : Clock
    """

    def __init__(self, path: Path, source: SettingsSource[S], initial: S, clock: Clock) -> None:
        self._path = path
        self._source = source
        self._clock = clock
        self._in_force = dict(source.flatten(initial))
        self._pinned = frozenset(self._differing(self._read_quietly(initial)))
        self._seen = _identity(path)
        self._last = _LastReload()
        self._ending = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._lock = asyncio.Lock()

    def start(self) -> None:
        """Start watching; in the main thread SIGHUP reloads as well."""
        self._spawn(self._watch())
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGHUP, lambda: self._spawn(self.reload("SIGHUP")))

    async def stop(self) -> None:
        """Stop watching."""
        if threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
        self._ending.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def state(self) -> dict[str, Any]:
        """Return when settings were last read, and with what outcome."""
        last = self._last
        return {
            "config_file": str(self._path),
            "read_at_ns": last.at_ns,
            "outcome": last.outcome,
            "error": last.error,
            "applied": list(last.applied),
            "needs_restart": list(last.needs_restart),
        }

    async def reload(self, cause: str) -> str:
        """Read the settings, apply those that may change, and return the outcome.

        Parameters
        ----------
        cause : str
            Cause of the reload, for log and journal.

        Returns
        -------
        str
            One of `OUTCOMES`.
        """
        async with self._lock:
            self._seen = await self._wait_until_unchanged()
            if self._seen is not None and self._seen[-1] == 0:
                # an editor truncates first, and the defaults would be in force for a moment
                return self._refuse(cause, f"{self._path} is empty")
            try:
                # in a thread, so that no decision waits for parsing and checking
                settings = await asyncio.to_thread(self._source.read)
            except self._source.unusable as error:
                return self._refuse(cause, str(error))
            changed = [name for name in self._differing(settings) if name not in self._pinned]
            live = [name for name in changed if self._source.is_live(name)]
            waiting = [name for name in changed if name not in live]
            if live:
                try:
                    durable = self._source.apply(settings, live, cause)
                except HimariError as error:
                    return self._refuse(cause, str(error))
                flat = self._source.flatten(settings)
                self._in_force |= {name: flat.get(name) for name in live}
                self._spawn(_awaited(durable))
            return self._report(cause, live, waiting)

    def _differing(self, settings: S) -> Iterator[str]:
        flat = self._source.flatten(settings)
        for name in sorted(flat.keys() | self._in_force.keys()):
            if flat.get(name) != self._in_force.get(name):
                yield name

    def _read_quietly(self, initial: S) -> S:
        try:
            return self._source.read()
        except self._source.unusable:
            return initial

    def _refuse(self, cause: str, error: str) -> str:
        RELOADS["refused"].inc()
        REFUSED.set(1)
        self._last = _LastReload(
            self._clock.now_ns(), "refused", error, [], self._last.needs_restart
        )
        _LOG.error("settings_refused", cause=cause, error=error)
        return "refused"

    def _report(self, cause: str, live: list[str], waiting: list[str]) -> str:
        outcome = "applied" if live else "needs_restart" if waiting else "unchanged"
        RELOADS[outcome].inc()
        REFUSED.set(0)
        NEED_RESTART.set(len(waiting))
        self._last = _LastReload(self._clock.now_ns(), outcome, None, live, waiting)
        if live:
            _LOG.warning("settings_applied", cause=cause, names=live)
        if waiting:
            _LOG.warning("settings_need_restart", cause=cause, names=waiting)
        if outcome == "unchanged":
            _LOG.info("settings_unchanged", cause=cause)
        return outcome

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch(self) -> None:
        """Check the file at each change event, and once a second without one."""
        from watchfiles import awatch  # noqa: PLC0415 - only where there is a file to watch

        while not self._ending.is_set():
            if _identity(self._path) != self._seen:
                # a replaced file is another inode, so the watch below starts anew
                await self.reload("the file changed")
                continue
            # a missing file cannot be watched; then only the check of each round is left
            with suppress(OSError, RuntimeError):
                async for _ in awatch(
                    self._path,
                    watch_filter=None,
                    debounce=_DEBOUNCE_MS,
                    step=_DEBOUNCE_MS,
                    stop_event=self._ending,
                    rust_timeout=_POLL_MS,
                    yield_on_timeout=True,
                ):
                    if _identity(self._path) != self._seen:
                        break
            await asyncio.sleep(_DEBOUNCE_MS / 1e3)

    async def _wait_until_unchanged(self) -> tuple[int, int, int] | None:
        """Return the identity of the file once two checks in a row found the same."""
        seen = _identity(self._path)
        while True:
            await asyncio.sleep(_DEBOUNCE_MS / 1e3)
            now = _identity(self._path)
            if now == seen:
                return now
            seen = now


async def _awaited(durable: Awaitable[None]) -> None:
    """Wait until the change is durable; if the journal fails, the change stays queued."""
    try:
        await durable
    except HimariError as error:
        _LOG.error("settings_not_durable", error=str(error))


def flatten_groups(values: Mapping[str, Any], groups: Iterable[str]) -> dict[str, Any]:
    """Return values by dotted name; only the named groups are flattened.

    >>> flatten_groups({"a": 1, "b": {"c": 2}, "d": {"e": 3}}, ["b"])
    {'a': 1, 'b.c': 2, 'd': {'e': 3}}
    """
    opened = frozenset(groups)
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if name in opened:
            flat |= {f"{name}.{below}": inner for below, inner in value.items()}
        else:
            flat[name] = value
    return flat


def _identity(path: Path) -> tuple[int, int, int] | None:
    """Return what differs between two contents of a file; None where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
