"""Bytes into rows: both wires alike, strict, each row by itself."""

import math
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_server.errors import FieldProblem, RequestUnusable
from inference_server.model.rows import Action, Regime, SignalRow
from inference_server.wire import parse_object, read_entries, read_single
from tests.inference_server.signals import as_json, as_msgpack, batch_signal, packed, signal


def only(entry_of: dict[str, Any]) -> SignalRow:
    (entry,) = read_entries([entry_of])
    assert isinstance(entry, SignalRow), entry
    return entry


def problem(entry_of: Any) -> FieldProblem:
    (entry,) = read_entries([entry_of])
    assert isinstance(entry, FieldProblem), entry
    return entry


def test_a_row_is_read_field_by_field() -> None:
    row = only(batch_signal(action="strong_sell", regime="crisis_flight", confidence=1))
    assert (row.symbol, row.action, row.regime) == ("BTC-USD", Action.STRONG_SELL, Regime.CRISIS)
    assert (row.confidence, row.risk_score, row.direction) == (1.0, 0.25, -1)
    assert (row.expected_return, row.predicted_volatility) == (0.002, 0.03)
    assert (row.baseline_pct, row.current_pct, row.interval_sec) == (0.08, 0.02, 86400.0)
    assert row.returns.dtype == np.float32
    assert row.returns.tolist() == np.array([0.01, -0.02, 0.005], np.float32).tolist()


def test_what_a_flat_signal_leaves_out_is_absent() -> None:
    row = read_single({"symbol": "A", "action": "BUY", "confidence": 0.5, "risk_score": 0.5,
                       "regime": "RANGING", "returns": None})  # fmt: skip
    assert row.returns.size == 0
    optional = (row.expected_return, row.predicted_volatility, row.baseline_pct, row.current_pct)
    assert set(optional) == {None}


def test_both_wires_give_the_same_rows() -> None:
    rng = np.random.default_rng(0)
    rows = [
        batch_signal(symbol=f"S{index}", returns=rng.normal(0, 0.01, 300).tolist())
        for index in range(5)
    ]
    in_json = read_entries(parse_object(as_json(rows), "json")["signals"])
    in_msgpack = read_entries(parse_object(as_msgpack(rows), "msgpack")["signals"])
    for one, other in zip(in_json, in_msgpack, strict=True):
        assert isinstance(one, SignalRow)
        assert isinstance(other, SignalRow)
        for name in SignalRow.__slots__:
            if name != "returns":
                assert getattr(one, name) == getattr(other, name)
        np.testing.assert_array_equal(one.returns, other.returns)


@pytest.mark.parametrize("form", ["list", "packed"])
def test_the_last_256_returns_are_kept(form: str) -> None:
    returns = [index / 1000 for index in range(1000)]
    row = only(batch_signal(returns=returns if form == "list" else packed(returns)))
    assert row.returns.shape == (256,)
    assert row.returns.tolist() == np.array(returns[-256:], np.float32).tolist()


def test_only_the_returns_that_are_kept_must_be_usable() -> None:
    returns = [-5.0, math.nan, *([0.01] * 256)]
    assert only(batch_signal(returns=packed(returns))).returns.size == 256


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1.001, 1e39])
def test_a_return_that_cannot_be_refuses_its_row_alone(bad: float) -> None:
    good = batch_signal()
    for returns in ([0.01, bad], packed([0.01, bad if abs(bad) < 1e38 else math.inf])):
        entries = read_entries([good, batch_signal(returns=returns), good])
        refused = entries[1]
        assert isinstance(refused, FieldProblem)
        assert refused.path == "signals.1.returns"
        assert isinstance(entries[0], SignalRow)
        assert isinstance(entries[2], SignalRow)


@pytest.mark.parametrize(
    ("change", "path", "said"),
    [
        ({"confidence": 1.5}, "confidence", "must be <= 1"),
        ({"confidence": "0.5"}, "confidence", "must be a number"),
        ({"confidence": True}, "confidence", "must be a number"),
        ({"confidence": None}, "confidence", "must be a number"),
        ({"confidence": math.nan}, "confidence", "must be a finite number"),
        ({"risk_score": -0.1}, "risk_score", "must be >= 0"),
        ({"action": "SHORT"}, "action", "must be one of 'STRONG_BUY', 'BUY', 'HOLD', 'SELL' or"),
        ({"action": 1}, "action", "must be one of"),
        ({"regime": ""}, "regime", "must be one of"),
        ({"symbol": ""}, "symbol", "must not be empty"),
        ({"symbol": "A\x00"}, "symbol", "must be printable text"),
        ({"symbol": "A" * 257}, "symbol", "must be at most 256 characters long"),
        ({"symbol": 5}, "symbol", "must be a string"),
        ({"expected_return": -1.1}, "expected_return", "must be >= -1"),
        ({"expected_return": math.inf}, "expected_return", "must be a finite number"),
        ({"predicted_volatility": 0}, "predicted_volatility", "must be > 0"),
        ({"baseline_pct": 1.01}, "baseline_pct", "must be <= 1"),
        ({"current_pct": "0"}, "current_pct", "must be a number"),
        ({"interval_sec": 0.0}, "interval_sec", "must be > 0"),
        ({"returns": "0.1"}, "returns", "must be a list of numbers, or packed float32"),
        ({"returns": [0.1, True]}, "returns", "must be a list of numbers"),
        ({"returns": [0.1, "0.1"]}, "returns", "must be a list of numbers"),
        ({"returns": b"12345"}, "returns", "must be whole float32 numbers"),
        ({"returns": {}}, "returns", "must be a list of numbers"),
    ],
)
def test_a_value_out_of_range_is_named(change: dict[str, Any], path: str, said: str) -> None:
    found = problem(batch_signal(**change))
    assert found.path == f"signals.0.{path}"
    assert found.message.startswith(said)
    with pytest.raises(RequestUnusable) as refusal:
        read_single(signal(**change))
    assert refusal.value.problems[0].path == path


def test_a_missing_field_is_named() -> None:
    row = signal()
    del row["regime"]
    assert problem(row) == FieldProblem("signals.0.regime", "is required")


@pytest.mark.parametrize("row", [5, None, [], "signal", True])
def test_a_row_that_is_no_object_is_refused_alone(row: object) -> None:
    assert problem(row).message == "must be an object"


def test_fields_of_a_newer_caller_are_ignored() -> None:
    assert only(batch_signal(strategy_id="momentum", order_book=[1, 2])).symbol == "BTC-USD"


@pytest.mark.parametrize(
    ("body", "wire"),
    [
        (b"", "json"),
        (b"{", "json"),
        (b"[]", "json"),
        (b"5", "json"),
        (b'{"a": NaN}', "json"),
        (b'{"a": 1e999}', "json"),
        (b'{"a": "\xff"}', "json"),
        (b"[" * 100_000, "json"),
        (b"", "msgpack"),
        (b"\xc1", "msgpack"),
        (b"\x93\x01", "msgpack"),
        (b"\x81\xa1a\x01\x01", "msgpack"),
        (b"\x81\xa1\xff\x01", "msgpack"),
        (b"\x81\x91\x01\x01", "msgpack"),
        (b"\x91" * 100_000, "msgpack"),
        # announces four billion items, nested: the decoder would allocate for each level
        (b"\xdd\xff\xff\xff\xff" * 1000, "msgpack"),
        (msgpack.packb([1]), "msgpack"),
    ],
)
def test_what_is_not_one_object_is_refused(body: bytes, wire: Any) -> None:
    with pytest.raises(RequestUnusable):
        parse_object(body, wire)


_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=20)
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(field=st.sampled_from(list(batch_signal())), value=_values)
def test_whatever_stands_in_a_field_the_row_is_good_or_named(field: str, value: object) -> None:
    (entry,) = read_entries([batch_signal(**{field: value})])
    if isinstance(entry, SignalRow):
        assert all(math.isfinite(number) for number in entry.returns.tolist())
    else:
        assert entry.path == f"signals.0.{field}"


@given(row=_values)
def test_whatever_stands_for_a_row_the_others_are_read(row: object) -> None:
    entries = read_entries([batch_signal(), row])
    assert isinstance(entries[0], SignalRow)
    assert isinstance(entries[1], FieldProblem)
