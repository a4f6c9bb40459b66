"""One measured figure, and the target it is held to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import process_time


@dataclass(frozen=True, slots=True)
class Row:
    """A figure with its unit; ``limit`` is inclusive, ``None`` where nothing was promised."""

    section: str
    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def target(self) -> str:
        """The target as a text, empty where there is none."""
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return "" if self.at_least is None else f">= {self.at_least:g}"

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.at_most is not None:
            return self.value <= self.at_most
        return None if self.at_least is None else self.value >= self.at_least


def cpu_sec(action: Callable[[], object]) -> float:
    """CPU seconds of one call, all threads of the process."""
    started = process_time()
    action()
    return process_time() - started


def interleaved_medians(
    actions: Sequence[Callable[[], object]], rounds: int, calls: Sequence[int]
) -> list[float]:
    """Median CPU seconds a call of each action, taken in turns so that drift hits all alike.

    Parameters
    ----------
    actions : sequence of callables
    rounds : int
        Turns; the first one only warms up.
    calls : sequence of int
        Calls of each action in a turn, timed one by one.
    """
    times: list[list[float]] = [[] for _ in actions]
    for turn in range(rounds + 1):
        for place, action in enumerate(actions):
            spent = [cpu_sec(action) for _ in range(calls[place])]
            if turn:
                times[place] += spent
    return [median(spent) for spent in times]
