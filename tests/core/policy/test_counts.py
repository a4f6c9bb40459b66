"""What the breaker counts, by itself."""

import pytest

from app.core.policy.counts import CallCounts, FailureRateWindow


def test_a_bypassed_failure_counts_towards_the_total_alone() -> None:
    counts = CallCounts()
    counts.add_failure("timeout", bypassed=False)
    counts.add_failure("", bypassed=True)
    assert (counts.failures, counts.failures_since_closed, counts.failures_in_a_row) == (2, 1, 1)
    assert counts.last_failure_reason == "unknown"


def test_closing_ends_the_row_and_keeps_the_totals() -> None:
    counts = CallCounts()
    counts.add_failure("timeout", bypassed=False)
    counts.close()
    assert (counts.failures, counts.failures_since_closed, counts.failures_in_a_row) == (1, 0, 0)
    assert counts.last_failure_reason == "timeout"


@pytest.mark.parametrize(
    ("successes", "failures", "rate"), [(0, 0, 1.0), (3, 1, 0.75), (0, 2, 0.0)]
)
def test_the_success_rate_is_that_of_settled_calls(
    successes: int, failures: int, rate: float
) -> None:
    counts = CallCounts()
    counts.requests, counts.successes, counts.failures = 100, successes, failures
    assert counts.success_rate == rate


def window_of(*failed: bool) -> FailureRateWindow:
    window = FailureRateWindow(60.0)
    for each in failed:
        window.add(0.0, failed=each)
    return window


@pytest.mark.parametrize(
    "failed", [(True, True, True), (True, True, False, False), (True, False, True)]
)
def test_a_rate_is_reached_at_that_share_of_enough_calls(failed: tuple[bool, ...]) -> None:
    assert window_of(*failed).reaches(0.5, min_calls=3)


@pytest.mark.parametrize("failed", [(True, True), (True, False, False)])
def test_a_rate_is_not_reached_below_it_or_with_too_few_calls(failed: tuple[bool, ...]) -> None:
    assert not window_of(*failed).reaches(0.5, min_calls=3)


def test_calls_leave_the_window_when_it_has_passed() -> None:
    window = window_of(True, False)
    window.add(59.0, failed=False)
    assert (window.calls, window.failures) == (3, 1)
    window.add(60.0, failed=True)
    assert (window.calls, window.failures) == (2, 1)
    window.add(1000.0, failed=False)
    assert (window.calls, window.failures) == (1, 0)
