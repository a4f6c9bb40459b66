"""Drift of strategies' shares against their slow averages."""

import json

import pytest

from app.core.books.drift import Drift, DriftBook
from app.core.params import DriftParams

PARAMS = DriftParams()


def test_a_share_seen_first_has_no_drift() -> None:
    book = DriftBook(PARAMS)
    assert book.measure({"a": 0.9, "b": 0.1}) == Drift((), 0.0)
    assert book.measure({}) == Drift((), 0.0)


def test_drift_is_relative_to_the_average_and_alerts_beyond_a_fifth() -> None:
    book = DriftBook(PARAMS)
    book.learn({"b": 0.5, "a": 0.25, "c": 0.25})
    drift = book.measure({"b": 0.40, "a": 0.35, "c": 0.25})
    # b moved by exactly 20 %, a by 40 %
    assert drift.drifted == ("a",)
    assert drift.max_drift_pct == pytest.approx(40.0)
    down = book.measure({"b": 0.3, "a": 0.1, "c": 0.6})
    assert down.drifted == ("a", "b", "c")
    assert down.max_drift_pct == pytest.approx(140.0)


def test_a_drift_of_exactly_the_alert_is_none() -> None:
    book = DriftBook(DriftParams(alert_relative=0.25))
    book.learn({"a": 0.5})
    assert book.measure({"a": 0.625}).drifted == ()
    assert book.measure({"a": 0.626}).drifted == ("a",)


def test_the_average_moves_by_two_over_span_plus_one() -> None:
    book = DriftBook(DriftParams(span=3.0))
    book.learn({"a": 0.5})
    book.learn({"a": 1.0})
    # 0.5 + 2/4 * 0.5 = 0.75
    assert book.export() == {"average": [("a", 0.75)]}
    assert book.measure({"a": 0.9}).max_drift_pct == pytest.approx(20.0)


def test_measuring_teaches_nothing_and_a_zero_average_has_no_drift() -> None:
    book = DriftBook(PARAMS)
    book.learn({"a": 0.0})
    book.learn({})
    assert book.measure({"a": 0.5}) == Drift((), 0.0)
    assert book.export() == {"average": [("a", 0.0)]}


def test_beyond_the_bound_the_strategy_learnt_longest_ago_is_dropped() -> None:
    book = DriftBook(DriftParams(max_strategies=2))
    book.learn({"a": 0.5, "b": 0.5})
    book.learn({"a": 0.5})
    book.learn({"c": 1.0})
    assert [name for name, _ in book.export()["average"]] == ["a", "c"]


def test_export_and_restore_are_exact() -> None:
    book, again = DriftBook(PARAMS), DriftBook(PARAMS)
    for step in range(7):
        book.learn({"a": 0.1 * step, "b": 0.3})
    again.restore(json.loads(json.dumps(book.export())))
    assert again.export() == book.export()
    assert again.measure({"a": 0.9}) == book.measure({"a": 0.9})
