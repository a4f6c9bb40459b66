"""The matrix as a page: what came out, and the worst times."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles

from tests.tools.chaos.catalogue import FAULTS
from tests.tools.chaos.fault import Fault
from tests.tools.chaos.memory import MEGABYTE
from tests.tools.chaos.walk import ALLOWANCE_SEC, ASKED, QUIET_SEC, STATES, Measured, Walk

_FIRST = """# Reliability matrix

Every fault between the service and its policy server that is known to us, injected for real on
loopback, in each state of the circuit breaker. What must come out of `POST /allocate`: status 200
with Phase 2's numbers, to the last bit, and at the 99th percentile within the policy's deadline and
20 ms. The tables say what came out; [reliability.md](reliability.md) is what we promise of it."""


@dataclass(frozen=True, slots=True)
class Run:
    """All walks of a run by fault, and what large replies did to memory, bytes."""

    command: str
    machine: Mapping[str, object]
    deadline_sec: float
    synchronous: str
    walks: Mapping[Fault, Sequence[Walk]]
    growth: Mapping[Fault, int]

    @property
    def answers(self) -> Mapping[Fault, Sequence[Measured]]:
        """All answers by fault."""
        return {
            fault: [answer for walk in walks for answer in walk.answers]
            for fault, walks in self.walks.items()
        }

    @property
    def repeated(self) -> int:
        """Count walks that were thrown away."""
        return sum(walk.repeated for walks in self.walks.values() for walk in walks)

    @property
    def broken(self) -> list[str]:
        """List every broken promise but lateness."""
        return [
            f"{fault.family}, {fault.name}, {answer.state}: {problem}"
            for fault, answers in self.answers.items()
            for answer in answers
            for problem in answer.problems
        ]

    def overshoots(self, *, net: bool, slow: bool = False) -> list[float]:
        """Seconds beyond the deadline, answer by answer; ``net`` of what the machine withheld.

        ``slow`` leaves only answers that waited for the deadline.
        """
        return [
            answer.elapsed_sec - self.deadline_sec - (answer.withheld_sec if net else 0.0)
            for fault, answers in self.answers.items()
            for answer in answers
            if not slow or (fault.slow and answer.state in ASKED)
        ]


def p99(values: Sequence[float]) -> float:
    """Give the 99th percentile; the largest of fewer than 100."""
    return max(values) if len(values) < 100 else quantiles(values, n=100)[-1]


def page(run: Run) -> Iterator[str]:
    """Write the page, line by line."""
    yield from _FIRST.splitlines()
    yield ""
    yield from _summary(run)
    yield ""
    yield "## Worst time of an answer, ms by the clock"
    yield ""
    yield "| fault | `fallback_reason` | breaker hears | " + " | ".join(STATES) + " |"
    yield "| --- | --- | --- | " + " | ".join(["---:"] * len(STATES)) + " |"
    family = ""
    for fault in FAULTS:
        if fault.family != family:
            family = fault.family
            yield f"| **{family}** |" + " |" * (len(STATES) + 2)
        yield f"| {fault.name} | {' | '.join([*_expected(fault), *_worst(run, fault)])} |"
    yield ""
    yield from _memory(run)


def _summary(run: Run) -> Iterator[str]:
    where = run.machine
    times = min(len(answers) for answers in run.answers.values()) // len(STATES)
    yield f"`{run.command}` on {where['processor']}, {where['cores']} cores,"
    yield f"Python {where['python']}. {len(run.answers)} faults, each {times} times in each of"
    yield f"{len(STATES)} states: {times * len(STATES) * len(run.answers)} answers."
    yield f"The deadline is {run.deadline_sec * 1e3:.0f} ms."
    yield ""
    yield "| | |"
    yield "| --- | ---: |"
    yield f"| answers other than 200 | {sum('status' in line for line in run.broken)} |"
    yield f"| wrong reasons, states, or numbers | {len(run.broken)} |"
    yield ""
    yield "| against the deadline | by the clock | net |"
    yield "| --- | ---: | ---: |"
    for name, measure, slow in (
        ("99th percentile of all answers", p99, False),
        ("99th percentile of those that wait for the deadline", p99, True),
        ("latest", max, False),
    ):
        times_ms = [1e3 * measure(run.overshoots(net=net, slow=slow)) for net in (False, True)]
        yield f"| {name} | {times_ms[0]:+.1f} ms | {times_ms[1]:+.1f} ms |"
    yield f"| within the deadline + 20 ms | {_within(run, net=False)} | {_within(run, net=True)} |"
    yield ""
    yield "Net of what a shared machine withheld: the wait of service and caller in the kernel's"
    yield f"run queue, and what the hypervisor took. The journal commits with `{run.synchronous}`."
    yield f"A walk with a wrong reason was walked again if more than {QUIET_SEC * 1e3:.0f} ms of an"
    yield f"answer were withheld: {run.repeated} of {sum(map(len, run.walks.values()))}."


def _within(run: Run, *, net: bool) -> str:
    late = run.overshoots(net=net)
    return f"{sum(seconds <= ALLOWANCE_SEC for seconds in late)} of {len(late)}"


def _expected(fault: Fault) -> tuple[str, str]:
    reasons = sorted(fault.reasons, key=str)
    names = " or ".join("none: RL is used" if r is None else f"`{r}`" for r in reasons)
    return names, " or ".join(dict.fromkeys(fault.outcome(reason) for reason in reasons))


def _worst(run: Run, fault: Fault) -> list[str]:
    answers = run.answers[fault]
    return [
        f"{1e3 * max(answer.elapsed_sec for answer in answers if answer.state == state):.0f}"
        for state in STATES
    ]


def _memory(run: Run) -> Iterator[str]:
    yield "## Growth of the resident size"
    yield ""
    yield "Largest resident size while three such replies came, against the size before. Less than"
    yield "10 MB is allowed."
    yield ""
    yield "| reply | MB |"
    yield "| --- | ---: |"
    for fault, growth in run.growth.items():
        yield f"| {fault.name} | {growth / MEGABYTE:.1f} |"
