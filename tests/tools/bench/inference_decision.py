"""A decision of ten signals with the policy, against Phase 2 and the inference server alone."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final
from urllib.request import urlopen

import orjson

from tests.tools.bench.batches import START_NS, wire_batch
from tests.tools.bench.http_cpu import Server, _one_connection, running
from tests.tools.bench.inference_bodies import DAY_SEC, batch_requests, http_request
from tests.tools.bench.inference_load import our_server
from tests.tools.bench.rows import Row

SECTION: Final = "A decision of 10 signals with the policy"
VERSION: Final = "bench-1"
SIGNALS: Final = 10
_HISTORY: Final = 262
_EACH: Final = 12
_CALLS: Final = r'^http_requests_total\{handler="/predict/batch".*\} (\S+)$'
_SIZED: Final = r'^himari_inference_rows_total\{reason="",result="sized"\} (\S+)$'


def measure_decision(folder: Path, rounds: int) -> Iterator[Row]:
    """Tell two services a year of daily prices, then time them and the server in turns."""
    with ExitStack() as stack:
        server = stack.enter_context(our_server(folder, VERSION))
        learned = stack.enter_context(running("app.main:app", _policy_settings(folder, server)))
        phase2 = stack.enter_context(running("app.main:app", _journal(folder, "phase2")))
        days = count()
        early = [_day(next(days), signals=1) for _ in range(_HISTORY)]
        for service in (learned, phase2):
            asyncio.run(_one_connection(service.port, early, len(early)))
        times: dict[str, list[float]] = {"phase2": [], "server": [], "rl": []}
        alone = batch_requests(SIGNALS, "msgpack")
        calls = sized = decisions = 0.0
        for turn in range(rounds + 1):
            late = [_day(next(days)) for _ in range(_EACH)]
            spent = {
                "phase2": asyncio.run(_one_connection(phase2.port, late, _EACH)),
                "server": asyncio.run(_one_connection(server.port, alone, _EACH)),
            }
            before = _counted(server)
            spent["rl"] = asyncio.run(_one_connection(learned.port, late, _EACH))
            after = _counted(server)
            calls, sized = calls + after[0] - before[0], sized + after[1] - before[1]
            decisions += _EACH
            if turn:
                for name, seconds in spent.items():
                    times[name].append(median(seconds))
    yield from _rows({name: median(turns) for name, turns in times.items()})
    yield Row(SECTION, "upstream calls a decision", calls / decisions, "", at_most=1.0)
    yield Row(SECTION, "signals a decision sized by the model", sized / decisions, "")


def _rows(p50: dict[str, float]) -> Iterator[Row]:
    yield Row(SECTION, "Phase 2 alone, p50", 1e3 * p50["phase2"], "ms")
    yield Row(SECTION, "the inference server alone, p50", 1e3 * p50["server"], "ms")
    yield Row(SECTION, "with the policy, p50", 1e3 * p50["rl"], "ms")
    ratio = p50["rl"] / (p50["phase2"] + p50["server"])
    yield Row(SECTION, "p50 against Phase 2 plus server", ratio, "times", at_most=1.2)


def _journal(folder: Path, name: str) -> dict[str, str]:
    return {
        "HIMARI_DATABASE_URL": f"sqlite:///{folder}/{name}.db",
        "HIMARI_DRAIN_SEC": "0",
        "HIMARI_LOG_LEVEL": "ERROR",
    }


def _policy_settings(folder: Path, server: Server) -> dict[str, str]:
    return _journal(folder, "rl") | {
        "HIMARI_ENABLE_RL": "true",
        "HIMARI_RL_ENDPOINT": f"http://127.0.0.1:{server.port}/predict",
        "HIMARI_RL_WIRE": "msgpack",
    }


def _day(day: int, signals: int = SIGNALS) -> bytes:
    batch = wire_batch(SIGNALS, day)
    for signal in batch["signals"]:
        signal["timestamp_ns"] = START_NS + int((day - 2 * _HISTORY) * DAY_SEC) * 10**9
    batch["signals"] = batch["signals"][:signals]
    return http_request("/allocate", orjson.dumps(batch), "json")


def _counted(server: Server) -> tuple[float, float]:
    url = f"http://127.0.0.1:{server.port}/metrics"
    with urlopen(url, timeout=5.0) as page:
        text = page.read().decode()
    calls, sized = (re.findall(pattern, text, re.MULTILINE) for pattern in (_CALLS, _SIZED))
    return sum(map(float, calls)), sum(map(float, sized))
