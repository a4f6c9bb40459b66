"""Decoding under fire: whatever the bytes, only valid predictions or UnusableReply come out."""

import json
import math
import time
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from app.adapters.policy.wire import (
    MAX_RETURNS,
    UnusableReply,
    body_cap,
    decode_batch,
    decode_single,
)
from app.core.types import Prediction
from tests.adapters.policy.policy_server import good_row


def any_json(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | st.integers() | numbers | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )


ANY_JSON = any_json(st.floats())
# a body that holds NaN or Infinity anywhere is refused whole
FINITE_JSON = any_json(st.floats(allow_nan=False, allow_infinity=False))
FIELDS = st.sampled_from([*good_row(), "hit_probability", "reason", "unheard_of"])


def batch_body(*rows: Any, **top: Any) -> bytes:
    return json.dumps({"predictions": rows} | top).encode()


def is_valid(prediction: Prediction) -> bool:
    numbers = (
        prediction.position_pct,
        prediction.confidence,
        prediction.predicted_return,
        prediction.predicted_volatility,
        prediction.hit_probability or 0.0,
    )
    text = prediction.model_version + (prediction.reason or "")
    return (
        all(type(number) is float and math.isfinite(number) for number in numbers)
        and abs(prediction.position_pct) <= 1.0
        and 0.0 <= prediction.confidence <= 1.0
        and 0.0 <= (prediction.hit_probability or 0.0) <= 1.0
        and prediction.predicted_volatility >= 0.0
        and 1 <= len(prediction.model_version) <= 200
        and text.encode().decode() == text
        and "\0" not in text
    )


@given(st.binary(max_size=200) | ANY_JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_refused_or_read_as_valid(body: bytes) -> None:
    for decode in (decode_single, lambda data: decode_batch(data, 1)):
        try:
            read = decode(body)
        except UnusableReply:
            continue
        predictions = (read,) if isinstance(read, Prediction) else read
        assert all(p is None or is_valid(p) for p in predictions)


@given(FIELDS, FINITE_JSON)
def test_any_value_in_any_field_leaves_a_valid_row_or_none(field: str, value: Any) -> None:
    body = batch_body(good_row(), good_row(**{field: value}))
    first, second = decode_batch(body, 2)
    assert first is not None
    assert second is None or is_valid(second)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("position_pct", 1.0000001),
        ("position_pct", -1.0000001),
        ("confidence", -1e-9),
        ("confidence", 1.0000001),
        ("predicted_volatility", -1e-9),
        ("predicted_return", 10**400),
        ("model_version", ""),
        ("model_version", 1),
        ("model_version", "v" * 201),
        ("model_version", "v\ud800"),
        ("model_version", "v\0"),
        ("hit_probability", 1.1),
        ("hit_probability", True),
        ("reason", 5),
        ("reason", "r" * 1001),
        ("reason", "r\ud800"),
    ],
)
def test_a_value_out_of_its_range_makes_the_row_invalid(field: str, value: Any) -> None:
    first, second = decode_batch(batch_body(good_row(), good_row(**{field: value})), 2)
    assert first is not None
    assert second is None


@pytest.mark.parametrize("field", list(good_row()))
def test_a_missing_field_makes_the_row_invalid_and_is_named(field: str) -> None:
    row = good_row()
    del row[field]
    with pytest.raises(UnusableReply, match=field):
        decode_batch(batch_body(row), 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("position_pct", -1),
        ("position_pct", 1),
        ("confidence", 0),
        ("confidence", 1.0),
        ("predicted_volatility", 0),
        ("predicted_return", -5),
        ("model_version", "v" * 200),
        ("hit_probability", None),
        ("reason", None),
        ("unheard_of", [1, {"deep": None}]),
    ],
)
def test_the_ends_of_the_ranges_integers_and_unknown_fields_are_fine(
    field: str, value: Any
) -> None:
    assert decode_batch(batch_body(good_row(**{field: value})), 1)[0] is not None


@pytest.mark.parametrize("common", ["", 7, None, "v" * 201])
def test_an_unusable_common_version_does_not_spoil_rows_that_name_theirs(common: Any) -> None:
    assert decode_batch(batch_body(good_row(), model_version=common), 1)[0] is not None


def test_the_reply_cap_grows_with_the_rows_up_to_8_mib() -> None:
    assert [body_cap(rows) for rows in (1, 10, 10**6)] == [69_632, 106_496, 8_388_608]


@pytest.mark.parametrize("value", ["{}", "[]", "0", '{"a":0}', "[[[]]]"])
def test_a_crowd_of_values_within_the_cap_is_refused_before_it_is_parsed(value: str) -> None:
    rows = 2000
    crowd = ",".join([value] * ((body_cap(rows) - 20) // (len(value) + 1)))
    started = time.process_time()
    with pytest.raises(UnusableReply, match=r"^body must hold at most 144384 values"):
        decode_batch(f'{{"predictions":[{crowd}]}}'.encode(), rows)
    # 0.03 s; parsing it took 0.5 to 2.6 s.
    assert time.process_time() - started < 0.3


def test_fifty_unknown_values_in_every_row_are_no_crowd() -> None:
    rows = [good_row(quantiles=[0.1] * 50) for _ in range(500)]
    assert None not in decode_batch(batch_body(*rows), 500)


def test_a_reply_that_echoes_the_returns_is_no_crowd_and_within_the_cap() -> None:
    returns = [math.sin(day) / 100 for day in range(MAX_RETURNS)]
    body = batch_body(*[good_row(returns=returns) for _ in range(10)])
    assert None not in decode_batch(body, 10)
    assert len(body) <= body_cap(10)


def test_a_reply_to_one_signal_is_refused_beyond_sixteen_thousand_values() -> None:
    most = 16_384 + 64
    few, many = (json.dumps(good_row(x=[0] * count)).encode() for count in (most - 50, most))
    assert decode_single(few).position_pct == good_row()["position_pct"]
    assert len(many) <= body_cap(1)
    with pytest.raises(UnusableReply, match=f"must hold at most {most} values"):
        decode_single(many)


@pytest.mark.parametrize("bracket", ["[", '{"a":'])
def test_nesting_is_refused_at_any_depth(bracket: str) -> None:
    for depth in (1_000, 1_080, 100_000):
        with pytest.raises(UnusableReply):
            decode_single((bracket * depth).encode())
