"""What the pages share, and where a request finds it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

from starlette.requests import Request

from app.console.access import ConsoleAccess
from app.console.assets import Assets
from app.console.failures import LoginFailures
from app.console.render import Renderer
from app.console.sessions import Sessions
from app.console.slots import Slots
from app.core.access import KeyRing
from app.core.types import Batch
from app.pipeline.ports import Clock

KeySource = Callable[[], KeyRing]
BatchReader = Callable[[Request, bytes], Batch]


class Kind(Protocol):
    """How an error looks on the wire."""

    @property
    def status(self) -> int:
        """HTTP status."""

    @property
    def title(self) -> str:
        """What it is called."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What goes with it."""


@dataclass(slots=True)
class Streams:
    """How many browsers listen, how many may, and what all of them were sent last, and when.

    ``tick_sec`` is the time between two looks at what changed.
    """

    most: int = 16
    tick_sec: float = 1.0
    open: int = 0
    drawn: dict[str, str] = field(default_factory=dict)
    drawn_at: float = float("-inf")


def login_slots() -> Slots:
    """Return 16 slots for login forms that are being read: sending one needs no key."""
    return Slots(16, "Too many sign in at this moment. Try again in 2 seconds.", retry_sec=2)


def trial_slots() -> Slots:
    """Return slots for one batch that is being tried out and eight that wait."""
    return Slots(9, "Too many batches are being tried out. Try again in a second.", retry_sec=1)


@dataclass(frozen=True, slots=True)
class ConsoleContext:
    """What every page may use besides the service.

    ``keys`` gives the keys in force, None where there is none and this machine alone is served;
    ``read_batch`` turns a body of ``POST /allocate`` into a batch; ``kind_of`` knows the HTTP
    status of an error.
    """

    clock: Clock
    keys: KeySource | None
    read_batch: BatchReader
    kind_of: Callable[[BaseException], Kind]
    sessions: Sessions
    assets: Assets
    renderer: Renderer
    failures: LoginFailures
    streams: Streams = field(default_factory=Streams)
    logins: Slots = field(default_factory=login_slots)
    trials: Slots = field(default_factory=trial_slots)

    @property
    def access(self) -> ConsoleAccess:
        """What the API's access check asks about the pages."""
        return ConsoleAccess(self.sessions, self.renderer)


def build_console(
    *,
    clock: Clock,
    keys: KeySource | None,
    read_batch: BatchReader,
    kind_of: Callable[[BaseException], Kind],
) -> ConsoleContext:
    """Make what the pages share; see :class:`ConsoleContext`."""
    sessions, assets = Sessions(clock), Assets()
    return ConsoleContext(
        clock=clock,
        keys=keys,
        read_batch=read_batch,
        kind_of=kind_of,
        sessions=sessions,
        assets=assets,
        renderer=Renderer(assets, sessions),
        failures=LoginFailures(clock),
    )


def console_of(request: Request) -> ConsoleContext:
    """Find what :func:`app.console.install` left."""
    return cast("ConsoleContext", request.app.state.console)
