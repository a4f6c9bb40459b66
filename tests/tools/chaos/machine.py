"""What the kernel tells of a process: memory, open files, and the time it was kept waiting."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_CORES = os.cpu_count() or 1


def resident_bytes(pid: int) -> int:
    """Resident size now."""
    return _status_kb(pid, "VmRSS") * 1024


def peak_bytes(pid: int) -> int:
    """Largest resident size since `forget_peak`, or since the start."""
    return _status_kb(pid, "VmHWM") * 1024


def forget_peak(pid: int) -> None:
    """Let the peak start from the present size (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", "ascii")


def open_files(pid: int) -> int:
    """Count open file descriptors."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def withheld_sec(*pids: int) -> float:
    """Time that the machine has kept these processes from running although they wanted to.

    The wait of their main threads in the run queue (``schedstat``), and what the hypervisor took
    from an average core. A program that blocks itself gets no credit for it here.
    """
    waited_ns = sum(
        int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[1]) for pid in pids
    )
    return waited_ns / 1e9 + _stolen_sec()


def _stolen_sec() -> float:
    with Path("/proc/stat").open(encoding="ascii") as lines:
        return int(next(lines).split()[8]) / _TICKS / _CORES


def _status_kb(pid: int, key: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1])
    raise RuntimeError(f"the kernel does not tell {key} of process {pid}")
