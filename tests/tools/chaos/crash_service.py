"""``himari serve`` in a process that the tests may kill, starve and start again."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Self

from tests.tools.chaos.caller import Caller
from tests.tools.chaos.service import closed_ports, wait_until_ready

# Root reads and writes whatever permissions say, unless it gives this power away.
_PLAIN_USER = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")


class Serving:
    """One service on one journal, through all its lives.

    Parameters
    ----------
    folder : Path
        Where it runs and logs.
    url : str
        Of the journal.
    settings : mapping of str to str
        Further settings, without the prefix.
    plain_user : bool
        Give away what root may do beyond a plain user, so that permissions hold.
    """

    def __init__(
        self, folder: Path, url: str, settings: Mapping[str, str], *, plain_user: bool = False
    ) -> None:
        self.url = url
        self.log = folder / "serve.log"
        self.port = closed_ports(1)[0]
        self._folder = folder
        self._words = [*(_PLAIN_USER if plain_user and os.geteuid() == 0 else ())]
        self._settings = {"DATABASE_URL": url, "PORT": str(self.port), "DRAIN_SEC": "0"} | {
            **settings
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process of this life."""
        assert self._process is not None
        return self._process

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    def launch(self) -> Self:
        """Start a life without waiting for it to be ready."""
        given = {f"HIMARI_{name}": value for name, value in self._settings.items()}
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HIMARI_")}
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [*self._words, sys.executable, "-m", "app.cli", "serve"],
                cwd=self._folder,
                env=environment | given,
                stdout=output,
                stderr=output,
            )
        return self

    def start(self) -> float:
        """Start a life; give the seconds until it was ready."""
        started = monotonic()
        self.launch()
        wait_until_ready(self.process, self.port, self.log)
        return monotonic() - started

    def end(self, how: signal.Signals = signal.SIGKILL) -> int:
        """End this life and wait for it; give the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(30)

    def caller(self) -> Caller:
        """Make a caller of it."""
        return Caller(self.port)

    def said(self) -> str:
        """Read all that it printed and logged so far."""
        return self.log.read_text("utf-8")


@contextmanager
def serving(
    folder: Path, url: str, settings: Mapping[str, str], *, plain_user: bool = False
) -> Iterator[Serving]:
    """Run a service until the block ends; the block may kill it and start it again."""
    service = Serving(folder, url, settings, plain_user=plain_user)
    service.start()
    try:
        yield service
    finally:
        service.end()
