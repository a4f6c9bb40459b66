"""When symbols were last decided on: elapsed time, bounds, survival."""

import json

from app.core.books.decision_times import DecisionTimes

SECOND = 10**9
DAY = 86_400.0


def test_of_the_first_decision_the_given_time_counts_and_then_what_has_passed() -> None:
    times = DecisionTimes(10)
    assert times.observe(["A"], 5 * SECOND, DAY) == {"A": DAY}
    assert times.observe(["A", "B"], 12 * SECOND, DAY) == {"A": 7.0, "B": DAY}
    assert times.observe(["B"], 12 * SECOND + 1, DAY) == {"B": 1e-9}
    assert times.observe(["A"], 20 * SECOND, DAY) == {"A": 8.0}


def test_the_same_time_again_or_an_older_one_is_no_time_and_sets_nothing_back() -> None:
    times = DecisionTimes(10)
    times.observe(["A"], 100 * SECOND, DAY)
    for again in (100, 40):
        assert times.observe(["A"], again * SECOND, DAY) == {"A": 0.0}
    assert times.observe(["A"], 103 * SECOND, DAY) == {"A": 3.0}


def test_beyond_the_bound_the_symbol_decided_longest_ago_is_forgotten() -> None:
    times = DecisionTimes(2)
    for at, symbols in enumerate((["A"], ["B"], ["A"], ["C"])):
        times.observe(symbols, at * SECOND, DAY)
    assert list(times.export()) == ["A", "C"]
    assert times.observe(["B"], 9 * SECOND, DAY) == {"B": DAY}


def test_export_and_restore_are_exact_and_a_smaller_bound_keeps_the_newest() -> None:
    times, again, small = DecisionTimes(5), DecisionTimes(5), DecisionTimes(2)
    for at, symbols in enumerate((["A", "B"], ["C"], ["A"])):
        times.observe(symbols, at * SECOND, DAY)
    for each in (again, small):
        each.restore(json.loads(json.dumps(times.export())))
    assert list(again.export().items()) == list(times.export().items())
    assert list(small.export()) == ["C", "A"]
