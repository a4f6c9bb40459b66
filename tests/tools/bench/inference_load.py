"""Closed-loop load on servers in turns: CPU a request and latencies."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from tests.tools.bench.http_cpu import Load, Server, _one_connection, running

OUR_SERVER: Final = "inference_server.main:app"


@dataclass(frozen=True, slots=True)
class Target:
    """A port to load, the requests for it, and how to read its CPU seconds so far."""

    port: int
    cpu_sec: Callable[[], float]
    requests: list[bytes]


def our_server(folder: Path | None, version: str) -> AbstractContextManager[Server]:
    """Run the inference server on a version of a folder; None is the shipped folder."""
    settings = {
        "HIMARI_INFERENCE_MODEL": version,
        "HIMARI_INFERENCE_DRAIN_SEC": "0",
        "HIMARI_INFERENCE_LOG_LEVEL": "ERROR",
    }
    if folder is not None:
        settings["HIMARI_INFERENCE_MODEL_DIR"] = str(folder)
    return running(OUR_SERVER, settings)


def load_in_turns(
    targets: Mapping[str, Target], connections: int, each: int, rounds: int
) -> dict[str, list[Load]]:
    """Load the targets one after another, ``rounds`` times; the first turn only warms up."""
    loads: dict[str, list[Load]] = {name: [] for name in targets}
    for turn in range(rounds + 1):
        for name, target in targets.items():
            load = asyncio.run(_load(target, connections, each))
            if turn:
                loads[name].append(load)
    return loads


def cpu_ms(loads: list[Load]) -> float:
    """CPU a request, median of the turns, ms."""
    return 1e3 * median(load.cpu for load in loads)


def latency_ms(loads: list[Load], share: float) -> float:
    """Take a quantile of each turn's latencies, median of the turns, ms."""
    turns = [sorted(load.latencies) for load in loads]
    return 1e3 * median(seconds[int(share * (len(seconds) - 1))] for seconds in turns)


async def _load(target: Target, connections: int, each: int) -> Load:
    before = target.cpu_sec()
    latencies = await asyncio.gather(
        *(_one_connection(target.port, target.requests, each) for _ in range(connections))
    )
    spent = target.cpu_sec() - before
    return Load(spent / (each * connections), [one for many in latencies for one in many])
