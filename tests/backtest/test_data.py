"""Files with faults as a user has them: nobody reads figures without a word about the data."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core.types import FloatArray
from app.history.prices import PricePanel
from tests.backtest.panels import on_business_days, with_prices, written
from tests.history.panels import random_walk
from tests.spoken_himari import Himari, clean_directory, himari

__all__ = ["clean_directory", "himari"]

PANEL = on_business_days(random_walk(420, 3))
QUICK = ("--json", "out.json", "--only", "equal_weight,kelly")


def out() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("out.json").read_bytes())
    return found


def split() -> FloatArray:
    closes = PANEL.closes.copy()
    closes[330:, 1] /= 10.0
    return closes


def bad_tick() -> FloatArray:
    closes = PANEL.closes.copy()
    closes[200, 1] *= 100.0
    return closes


def dead() -> FloatArray:
    closes = PANEL.closes.copy()
    closes[380:, 1] = np.nan
    return closes


def moved(closes: FloatArray, row: int) -> str:
    return f"x{closes[row, 1] / closes[row - 1, 1]:.3g} on {PANEL.dates[row]}"


@pytest.mark.parametrize(
    ("closes", "warning"),
    [
        (split(), f"S01: the close jumps and stays, {moved(split(), 330)}: a split"),
        (bad_tick(), f"S01: the close jumps and comes back, {moved(bad_tick(), 200)}: a bad tick"),
        (dead(), "S01: no close on the last 40 days of 420, the last is of 2019-06-14"),
    ],
    ids=["split", "bad tick", "dead"],
)
def test_a_fault_is_warned_of_in_table_json_and_page(
    himari: Himari, closes: FloatArray, warning: str
) -> None:
    prices = str(written(with_prices(PANEL, closes), Path("prices.csv")))
    said = himari("backtest", "--prices", prices, *QUICK, "--html", "out.html")
    assert said.code == 0
    lines = said.out.splitlines()
    # above the figures
    (place,) = [k for k, line in enumerate(lines) if line.startswith(f"data warning: {warning}")]
    assert place < next(k for k, line in enumerate(lines) if line.startswith("equal_weight"))
    assert [line.startswith(warning) for line in out()["data"]["warnings"]] == [True]
    page = Path("out.html").read_text("utf-8")
    assert page.index(warning) < page.index("<h2>Policies</h2>") < page.index("<h2>Data</h2>")


def test_an_empty_column_is_left_out_and_said_so(himari: Himari) -> None:
    closes = np.column_stack([PANEL.closes, np.full(420, np.nan)])
    panel = PricePanel(PANEL.dates, (*PANEL.symbols, "GHOST"), closes)
    said = himari("backtest", "--prices", str(written(panel, Path("prices.csv"))), *QUICK)
    assert said.code == 0
    assert "data warning: GHOST: the column is empty and was left out" in said.out.splitlines()
    found = out()
    assert found["settings"]["symbols"] == 3
    assert found["data"]["left_out"] == ["GHOST"]
    assert found["data"]["symbols"]["GHOST"]["first"] is None
    alone = str(written(PANEL, Path("alone.csv")))
    himari("backtest", "--prices", alone, *QUICK)
    assert out()["equal_weight"]["sharpe"] == found["equal_weight"]["sharpe"]


def test_clean_data_has_its_part_and_no_warning(himari: Himari) -> None:
    prices = str(written(PANEL, Path("prices.csv")))
    said = himari("backtest", "--prices", prices, *QUICK, "--html", "out.html")
    data = out()["data"]
    assert data["warnings"] == data["gaps"] == data["left_out"] == []
    assert data["n_days"] == 420
    assert data["same_closes"] == data["like_fields"] == []
    # the walk's own standard deviation, near enough
    assert data["symbols"]["S01"].pop("usual_move") == pytest.approx(0.0144, abs=0.002)
    assert data["symbols"]["S01"] == {
        "first": "2018-01-01",
        "last": "2019-08-09",
        "missing_share": 0.0,
        "missing_before": 0,
        "missing_after": 0,
        "holes": 0,
        "missing_between": 0,
        "longest_hole": 0,
        "splits": [],
        "bad_ticks": [],
        "flat": None,
    }
    assert "data warning" not in said.out
    row = next(line for line in said.out.splitlines() if line.startswith("S01"))
    assert row.split() == ["S01", "2018-01-01", "2019-08-09", "0.0%", "0", "0", "0", "0", "0"]
    page = Path("out.html").read_text("utf-8")
    assert "Data warnings" not in page
    assert "<h2>Data</h2>" in page


def test_a_terminal_shows_twenty_warnings_and_twenty_symbols_and_counts_the_rest(
    himari: Himari,
) -> None:
    panel = on_business_days(random_walk(420, 25))
    panel.closes[400:, :24] = np.nan
    prices = str(written(panel, Path("prices.csv")))
    said = himari("backtest", "--prices", prices, "--json", "out.json", "--only", "equal_weight")
    assert said.out.count("\ndata warning: S") == 20
    assert "\ndata warning: 4 more are in the JSON file\n" in said.out
    assert said.out.count("\nS") == 20
    assert "\n5 more symbols are in the JSON file\n" in said.out
    # the only clean one stands behind those with a word to say
    assert "\nS24" not in said.out
    assert len(out()["data"]["warnings"]) == 24


# -- one instrument of a file of fields ----------------------------------------------------------


def fields() -> Path:
    """Write 420 rows as quote sites export them; the volume would make the best Sharpe of all."""
    close = PANEL.closes[:, 0]
    lines = ["Date,Open,High,Low,Close,Adj Close,Volume"]
    lines += [
        f"{day},{price},{1.01 * price},{0.99 * price},{price},{price},{1000 + row}"
        for row, (day, price) in enumerate(zip(PANEL.dates, close.tolist(), strict=True))
    ]
    path = Path("GOOG.csv")
    path.write_text("\n".join(lines) + "\n", "ascii")
    return path


def test_a_file_of_fields_is_refused_before_anything_is_played(himari: Himari) -> None:
    said = himari("backtest", "--prices", str(fields()), *QUICK)
    assert said.code == 1
    assert said.out == ""
    assert "Open, High, Low, Close, Adj Close, Volume are fields of one instrument" in said.err
    assert "--column 'Adj Close'" in said.err
    assert not Path("out.json").exists()


@pytest.mark.parametrize(("column", "symbol"), [("Close", "GOOG"), ("ALPHA=Close", "ALPHA")])
def test_a_column_plays_as_one_instrument(himari: Himari, column: str, symbol: str) -> None:
    said = himari("backtest", "--prices", str(fields()), "--column", column, *QUICK)
    assert said.code == 0
    found = out()
    assert list(found["data"]["symbols"]) == [symbol]
    alone = written(PricePanel(PANEL.dates, ("X",), PANEL.closes[:, :1]), Path("alone.csv"))
    himari("backtest", "--prices", str(alone), *QUICK)
    assert out()["kelly"]["sharpe"] == found["kelly"]["sharpe"]


# -- daily returns -------------------------------------------------------------------------------


def test_returns_are_a_date_column_and_one_of_each_played_policy(himari: Himari) -> None:
    prices = str(written(PANEL, Path("prices.csv")))
    said = himari("backtest", "--prices", prices, *QUICK, "--returns", "made/returns.csv")
    assert "written: made/returns.csv" in said.out
    with Path("made/returns.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["date", "equal_weight", "kelly"]
    found = out()
    assert [row[0] for row in rows[1:]] == found["dates"][1:]
    for place, name in enumerate(rows[0][1:], 1):
        equity = np.array(found["series"][name]["equity_usd"])
        returns = [float(row[place]) for row in rows[1:]]
        assert returns == (equity[1:] / equity[:-1] - 1.0).tolist()


def test_a_result_never_takes_the_name_of_the_prices_or_of_another(himari: Himari) -> None:
    prices = written(PANEL, Path("prices.csv"))
    before = prices.read_bytes()
    for name in ("prices.csv", "out.json"):
        said = himari("backtest", "--prices", str(prices), *QUICK, "--returns", name)
        assert said.code == 1
        assert said.err.startswith("himari: each file must have a name of its own, was prices.csv")
    assert prices.read_bytes() == before
