"""Values of callers as plain JSON values, alike in client and facade."""

import inspect
import json
import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.client import calls
from app.client import plain as client_plain
from app.client.plain import is_finite, nanoseconds_of, number_of, plain
from app.facade import plain as facade_plain
from tests.client.series import Series


def body_of(batch: dict[str, Any]) -> Any:
    call = calls.allocate(batch, None, dry_run=True)  # type: ignore[arg-type]
    assert call.body is not None
    return json.loads(call.body)


def test_the_module_of_the_client_equals_that_of_the_facade() -> None:
    assert inspect.getsource(client_plain) == inspect.getsource(facade_plain)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (np.float32(0.5), 0.5),
        (np.float16(0.25), 0.25),
        (np.float64(0.8), 0.8),
        (np.int64(7), 7),
        (np.uint64(2**63), 2**63),
        (Decimal("0.8"), 0.8),
        (Decimal("-1.50"), -1.5),
        (Decimal(1735226000000000001), 1_735_226_000_000_000_001),
        (Decimal("1E+3"), 1000),
        (Fraction(1, 4), 0.25),
    ],
)
def test_what_is_a_number_is_its_int_or_float(value: object, number: float) -> None:
    found = number_of(value)
    assert found == number
    assert type(found) is type(number)


@pytest.mark.parametrize("value", [True, np.bool_(1), "1", None, [1.0], np.array([1.0]), object()])
def test_what_is_not_a_number_is_none(value: object) -> None:
    assert number_of(value) is None


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_is_the_nearest_float(value: Decimal) -> None:
    found = number_of(value)
    assert found is not None
    assert float(found) == float(value)


@pytest.mark.parametrize("value", [math.nan, -math.inf, 10**400, number_of(Decimal("sNaN"))])
def test_nan_infinities_and_ints_beyond_any_float_are_not_finite(value: float) -> None:
    assert not is_finite(value)
    assert is_finite(1e308)


def test_an_aware_datetime_is_exact_nanoseconds_and_a_naive_one_none() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    assert nanoseconds_of(datetime(1970, 1, 1, 5, 30, 0, 1, tzinfo=east)) == 1_000
    assert nanoseconds_of(datetime(2024, 12, 26, 15, 13, 20, 999_999, tzinfo=UTC)) == (
        1_735_226_000_999_999_000
    )
    assert nanoseconds_of(datetime(2024, 12, 26)) is None  # noqa: DTZ001


def test_a_batch_of_numpy_decimal_datetime_and_series_is_sent_as_plain_json() -> None:
    batch = {
        "signals": (
            {
                "confidence": np.float32(0.5),
                "risk_score": Decimal("0.25"),
                "timestamp_ns": datetime(2024, 12, 26, 15, 13, 20, tzinfo=UTC),
            },
        ),
        "current_prices": Series({"BTC-USD": np.int64(43_500), "ETH-USD": None}),
        "market_data": {"spread": [np.float64(0.1), "x", True]},
    }
    assert body_of(batch) == {
        "signals": [
            {"confidence": 0.5, "risk_score": 0.25, "timestamp_ns": 1_735_226_000_000_000_000}
        ],
        "current_prices": {"BTC-USD": 43_500, "ETH-USD": None},
        "market_data": {"spread": [0.1, "x", True]},
    }


@pytest.mark.parametrize(
    ("batch", "sentence"),
    [
        (
            {"signals": [{"confidence": np.array([0.5])}]},
            r"signals\.0\.confidence must be a number",
        ),
        ({"signals": [{}, {"x": object()}]}, r"signals\.1\.x must be a number, text, list or"),
        ({"portfolio_value": math.nan}, "portfolio_value must be finite, was nan"),
        ({"current_prices": {"BTC": Decimal("Infinity")}}, r"current_prices\.BTC must be finite"),
        ({"current_prices": {5: 1.0}}, "current_prices must have texts as keys, was 5"),
        (
            {"signals": [{"timestamp_ns": datetime(2024, 12, 26)}]},  # noqa: DTZ001
            r"signals\.0\.timestamp_ns must have a time zone",
        ),
        ({"market_data": {"at": datetime(2024, 12, 26, tzinfo=UTC)}}, r"market_data\.at must be"),
    ],
)
def test_any_other_value_is_refused_by_its_path(batch: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        body_of(batch)


def test_observations_and_filters_take_the_same_values() -> None:
    observed = calls.observe_prices(np.int64(5), Series({"A": Decimal("1.5")}))  # type: ignore[arg-type]
    assert observed.body == b'{"timestamp_ns":5,"prices":{"A":1.5}}'
    since = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    found = calls.list_decisions({"since_ns": since, "limit": np.int64(3)})  # type: ignore[typeddict-item]
    assert found.query == {"since_ns": 10**9, "limit": 3}
    assert plain("", {}) == {}
