"""The page of the matrix: what is broken is shown as broken, and times are the worst."""

from tests.tools.chaos.catalogue import FAULTS
from tests.tools.chaos.fault import Fault
from tests.tools.chaos.matrix_page import Run, p99, page
from tests.tools.chaos.walk import STATES, Measured, Walk

MACHINE = {"processor": "a processor", "cores": 2, "python": "3.11"}


def walk(fault: Fault, elapsed_sec: float, *problems: str, repeated: int = 0) -> Walk:
    answers = [Measured(fault.name, state, elapsed_sec, 0.01, problems) for state in STATES]
    return Walk(answers, repeated)


def run(**changed: Walk) -> Run:
    walks = {fault: [walk(fault, 0.2), walk(fault, 0.305)] for fault in FAULTS}
    for more in changed.values():
        walks[FAULTS[0]].append(more)
    return Run("a command", MACHINE, 0.3, "FULL", walks, {FAULTS[0]: 3 * 1024 * 1024})


def test_every_fault_has_a_row_with_its_worst_time_in_each_state() -> None:
    lines = list(page(run()))
    rows = [line for line in lines if line.endswith("| 305 | 305 | 305 | 305 | 305 |")]
    assert len(rows) == len(FAULTS)
    assert any("| `timeout` | failure |" in row for row in rows)
    assert any("| none: RL is used | success |" in row for row in rows)
    assert all(row.count("|") == 3 + 1 + len(STATES) for row in rows)


def test_late_and_broken_answers_are_counted() -> None:
    broken = run(late=walk(FAULTS[0], 0.4, "status 500: x", repeated=3))
    text = "\n".join(page(broken))
    assert len(broken.broken) == len(STATES)
    assert "| answers other than 200 | 5 |" in text
    assert "| latest | +100.0 ms | +90.0 ms |" in text
    assert f"| {10 * len(FAULTS)} of {10 * len(FAULTS) + 5} |" in text
    assert f"were withheld: 3 of {2 * len(FAULTS) + 1}." in text
    assert "| refused | 3.0 |" in text


def test_the_percentile_of_few_is_the_largest_and_of_many_leaves_one_in_a_hundred() -> None:
    assert p99([1.0, 3.0, 2.0]) == 3.0
    assert p99([0.0] * 995 + [9.0] * 5) < 9.0
    assert p99([0.0] * 900 + [9.0] * 100) == 9.0
