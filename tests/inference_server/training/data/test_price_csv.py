"""A panel written for the backtest reads back as it was."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.history.prices import read_price_csv
from inference_server.training.data.panels import Panel
from inference_server.training.data.price_csv import write_csv

PRICES = st.one_of(
    st.just(float("nan")), st.floats(min_value=1e-300, max_value=1e300, allow_subnormal=False)
)


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(PRICES, min_size=width, max_size=width), min_size=1, max_size=6
        )
    )
)
def test_a_panel_comes_back_to_the_last_bit(closes: list[list[float]]) -> None:
    values = np.array(closes)
    dates = np.arange("2020-02-27", len(closes), dtype="datetime64[D]").astype("datetime64[s]")
    symbols = tuple(f"S-{k}" for k in range(values.shape[1]))
    with TemporaryDirectory() as folder:
        path = Path(folder, "new", "panel.csv")
        write_csv(Panel("panel", symbols, dates, values, 86_400, dated=True), path)
        back = read_price_csv(path)
    assert back.symbols == symbols
    np.testing.assert_array_equal(back.dates, dates.astype("datetime64[D]"))
    np.testing.assert_array_equal(back.closes, values)


def test_hours_are_refused_since_their_date_would_stand_twice(tmp_path: Path) -> None:
    dates = np.array(["2020-01-01T00", "2020-01-01T01"], dtype="datetime64[s]")
    panel = Panel("hours", ("A",), dates, np.ones((2, 1)), 3600, dated=True)
    with pytest.raises(ValueError, match="interval of hours must be >= 86400 s, was 3600"):
        write_csv(panel, tmp_path / "hours.csv")
    assert list(tmp_path.iterdir()) == []
