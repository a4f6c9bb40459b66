"""The one thread that models run in, so that the event loop never waits for arithmetic.

It also measures how long the current work has lasted, which readiness depends on.
"""

import queue
import threading
import time
from collections.abc import Callable

Work = Callable[[], None]


class ModelThread:
    """Run pieces of work one after the other, off the event loop.

    Parameters
    ----------
    limit_sec : float, seconds
        Work that lasts longer counts as stuck.
    """

    def __init__(self, limit_sec: float) -> None:
        self._limit_sec = limit_sec
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._busy_since: float | None = None
        # a daemon: a stuck model must not keep the process from ending
        self._thread = threading.Thread(target=self._run_queue, name="model", daemon=True)

    def start(self) -> None:
        """Start the thread; work queued before runs now."""
        self._thread.start()

    def run(self, work: Work) -> None:
        """Queue work; it reports by itself and must not raise."""
        self._work.put(work)

    def stop(self, patience_sec: float) -> bool:
        """End the thread after its queued work; return False if it does not end in time."""
        self._work.put(None)
        self._thread.join(patience_sec)
        return not self._thread.is_alive()

    def busy_sec(self) -> float:
        """Return how long the current work has lasted, seconds; 0 when idle."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def trouble(self) -> str | None:
        """Return why the thread cannot answer, or None."""
        if not self._thread.is_alive():
            return "the model thread does not run"
        busy = self.busy_sec()
        return f"the model has run for {busy:.1f} s" if busy > self._limit_sec else None

    def _run_queue(self) -> None:
        while (work := self._work.get()) is not None:
            self._busy_since = time.monotonic()
            try:
                work()
            finally:
                self._busy_since = None
