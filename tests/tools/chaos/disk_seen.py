"""What a caller, a load balancer, a dashboard and the log see of a service's journal."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, Final

import httpx

from tests.tools.chaos.batch import BATCH
from tests.tools.chaos.crash_service import Serving

OK: Final = 200
_WITHIN_SEC: Final = 30.0
_METRICS: Final = ("journal_refusing", "journal_pending", "journal_errors_total")


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at a service while its disk is at fault."""

    status: int
    problem: str
    detail: str
    retry_after: str | None
    ready: int
    alive: int
    reads: int
    metrics: dict[str, float]


class Watcher:
    """Ask one service what everybody asks it.

    Parameters
    ----------
    serving : Serving
    """

    def __init__(self, serving: Serving) -> None:
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{serving.port}", timeout=30.0, trust_env=False
        )

    def close(self) -> None:
        """Leave."""
        self._client.close()

    def decide(self, key: str, **changes: Any) -> httpx.Response:
        """Ask for a decision under a key."""
        headers = {"content-type": "application/json", "idempotency-key": key}
        body = json.dumps(json.loads(BATCH) | changes)
        return self._client.post("/allocate", content=body, headers=headers)

    def look(self, key: str) -> Seen:
        """Ask for a decision and for everything that tells how the journal does."""
        answer = self.decide(key)
        document = answer.json()
        return Seen(
            status=answer.status_code,
            problem=document.get("type", "").rpartition(":")[2],
            detail=document.get("detail", ""),
            retry_after=answer.headers.get("retry-after"),
            ready=self.status("/health/ready"),
            alive=self.status("/health/live"),
            reads=self.status("/decisions"),
            metrics=self.metrics(),
        )

    def status(self, path: str) -> int:
        """Ask one page for its status."""
        return self._client.get(path).status_code

    def metrics(self) -> dict[str, float]:
        """Read the metrics that tell of the journal."""
        lines = self._client.get("/metrics").text.splitlines()
        named = {f"himari_l3_{name} ": name for name in _METRICS}
        return {
            name: float(line.removeprefix(prefix))
            for line in lines
            for prefix, name in named.items()
            if line.startswith(prefix)
        }

    def wait_until(self, holds: Callable[[], bool]) -> float:
        """Wait until something holds; give the seconds it took."""
        started = monotonic()
        while not holds():
            if monotonic() - started > _WITHIN_SEC:
                raise TimeoutError("it never came true")
            sleep(0.02)
        return monotonic() - started
