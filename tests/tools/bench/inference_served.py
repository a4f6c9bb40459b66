"""Our inference server against naive ones of the same model: CPU, tail, wire, memory, start."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median
from typing import Final

from tests.tools.bench.http_cpu import Load, Server, running
from tests.tools.bench.inference_bodies import batch_requests, single_requests
from tests.tools.bench.inference_load import Target, cpu_ms, latency_ms, load_in_turns, our_server
from tests.tools.bench.inference_naive import STORE
from tests.tools.bench.rows import Row

ONE: Final = "Inference server: one signal with 256 returns, JSON"
BATCH: Final = "Inference server: a batch of 64 signals, no model behind it"
FOOTPRINT: Final = "Inference server: memory and start"
VERSION: Final = "bench-1"
_STARTS: Final = 2
_NAIVE: Final = "tests.tools.bench.inference_onnx_app:app"
_TORCH: Final = "tests.tools.bench.inference_torch_app:app"
# enough that the clock of a process, which ticks every 10 ms, is good to a few per cent
_EACH: Final = {16: 24, 64: 9}
_BATCHES_EACH: Final = 100


def measure_one(folder: Path, rounds: int) -> Iterator[Row]:
    """Load ours and naive inline ONNX Runtime at 16 and 64 connections."""
    graph = {STORE: str(folder / VERSION / "model.onnx")}
    with our_server(folder, VERSION) as ours, running(_NAIVE, graph) as naive:
        targets = {
            name: Target(server.port, server.cpu_sec, single_requests())
            for name, server in (("ours", ours), ("naive", naive))
        }
        loads = {count: load_in_turns(targets, count, _EACH[count], rounds) for count in _EACH}
    for count, taken in loads.items():
        yield from _one_rows(count, taken["ours"], taken["naive"])


def _one_rows(connections: int, ours: list[Load], naive: list[Load]) -> Iterator[Row]:
    at = f"{connections} connections"
    cpu_limit = 0.80 if connections == 16 else None
    tail_limit = 0.15 if connections == 64 else None
    for name, loads in (("ours", ours), ("naive ONNX Runtime inline", naive)):
        yield Row(ONE, f"{at}: {name}, CPU a request", cpu_ms(loads), "ms")
        yield Row(ONE, f"{at}: {name}, p50", latency_ms(loads, 0.50), "ms")
        yield Row(ONE, f"{at}: {name}, p99", latency_ms(loads, 0.99), "ms")
    cpu = cpu_ms(ours) / cpu_ms(naive)
    tail = latency_ms(ours, 0.99) / latency_ms(naive, 0.99)
    yield Row(ONE, f"{at}: CPU against naive", cpu, "times", at_most=cpu_limit)
    yield Row(ONE, f"{at}: p99 against naive", tail, "times", at_most=tail_limit)


def measure_batch(rounds: int) -> Iterator[Row]:
    """Load ours with msgpack, and plain pydantic with JSON of the same content."""
    plain_app = "tests.tools.bench.inference_json_app:app"
    with our_server(None, "dummy-1") as ours, running(plain_app, {}) as plain:
        targets = {
            "ours": Target(ours.port, ours.cpu_sec, batch_requests(64, "msgpack")),
            "ours JSON": Target(ours.port, ours.cpu_sec, batch_requests(64, "json")),
            "plain": Target(plain.port, plain.cpu_sec, batch_requests(64, "json")),
        }
        loads = load_in_turns(targets, 2, _BATCHES_EACH, rounds)
    cpu = {name: cpu_ms(taken) for name, taken in loads.items()}
    yield Row(BATCH, "ours, msgpack: CPU a request", cpu["ours"], "ms")
    yield Row(BATCH, "ours, JSON: CPU a request", cpu["ours JSON"], "ms")
    yield Row(BATCH, "plain FastAPI and pydantic, JSON: CPU a request", cpu["plain"], "ms")
    ratio = cpu["ours"] / cpu["plain"]
    yield Row(BATCH, "msgpack against plain JSON", ratio, "times", at_most=0.15)


def measure_footprint(folder: Path, transformers: int) -> Iterator[Row]:
    """Start ours and a torch server in turns; measure until ready, then memory under load."""
    starts: dict[str, list[float]] = {"ours": [], "torch": []}
    sizes: dict[str, list[float]] = {"ours": [], "torch": []}
    for _ in range(_STARTS):
        for name, times in starts.items():
            started_sec, size = _start(_server(name, folder, transformers))
            times.append(started_sec)
            sizes[name].append(size)
    size, torch_size = median(sizes["ours"]), median(sizes["torch"])
    start, torch_start = median(starts["ours"]), median(starts["torch"])
    yield Row(FOOTPRINT, "ours: resident after requests", size, "MB")
    yield Row(FOOTPRINT, "FastAPI and torch: resident after requests", torch_size, "MB")
    yield Row(FOOTPRINT, "resident against torch", size / torch_size, "times", at_most=0.65)
    yield Row(FOOTPRINT, "ours: from start to ready", start, "s")
    yield Row(FOOTPRINT, "FastAPI and torch: from start to ready", torch_start, "s")
    yield Row(FOOTPRINT, "start against torch", start / torch_start, "times", at_most=0.6)


def _server(name: str, folder: Path, transformers: int) -> AbstractContextManager[Server]:
    if name == "ours":
        return our_server(folder, VERSION)
    return running(_TORCH, {"HIMARI_BENCH_TRANSFORMERS": str(transformers)})


def _start(server: AbstractContextManager[Server]) -> tuple[float, float]:
    started = time.perf_counter()
    with server as up:
        ready_sec = time.perf_counter() - started
        target = Target(up.port, up.cpu_sec, single_requests())
        load_in_turns({"it": target}, 4, 10, 1)
        return ready_sec, resident_mb(up.pid)


def resident_mb(pid: int) -> float:
    """Resident size of a process, MB."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) / 1024.0 for line in lines if line.startswith("VmRSS:"))
