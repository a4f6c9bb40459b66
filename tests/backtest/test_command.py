"""``himari backtest`` as a user says it: files, keys, sentences."""

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.backtest.options import POLICIES
from app.history.prices import PricePanel
from tests.backtest.panels import on_business_days, written
from tests.guide_server import guide_server
from tests.history.panels import random_walk
from tests.spoken_himari import Himari, clean_directory, himari

__all__ = ["clean_directory", "himari"]

PANEL = on_business_days(random_walk(420, 3))
FIGURES = ("sharpe", "sortino", "max_drawdown", "calmar", "turnover_per_year")
SHIPPED = Path(__file__).parents[2] / "inference_server" / "models"


@pytest.fixture
def prices() -> str:
    return str(written(PANEL, Path("prices.csv")))


@pytest.fixture
def late_prices() -> str:
    """Name a file of one symbol whose first price is on day 60: few days to ask a server about."""
    closes = np.where(np.arange(420)[:, np.newaxis] < 60, np.nan, PANEL.closes)[:, :1]
    return str(written(PricePanel(PANEL.dates, ("S00",), closes), Path("late.csv")))


def out() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("out.json").read_bytes())
    return found


def test_fallback_figures_every_policy_of_phase_2_and_nulls_the_learned_with_a_reason(
    himari: Himari, prices: str
) -> None:
    said = himari("backtest", "--prices", prices, "--json", "out.json")
    assert said.code == 0
    found = out()
    for name in POLICIES[:4]:
        assert all(isinstance(found[name][key], float) for key in FIGURES)
        assert name in said.out
    assert found["rl"] is None
    assert found["linear"] is None
    reason = "not played: --mode fallback asks no learned policy"
    assert found["notes"] == {"linear": reason, "rl": reason}
    assert found["settings"]["periods_per_year"] == 252.0
    assert found["settings"]["n_days"] == found["kelly"]["n_days"] == len(found["dates"]) - 1


def test_figures_follow_from_the_equity_beside_them(himari: Himari, prices: str) -> None:
    himari("backtest", "--prices", prices, "--json", "out.json", "--short", "--only", "kelly")
    found = out()
    equity = np.array(found["series"]["kelly"]["equity_usd"])
    returns = equity[1:] / equity[:-1] - 1.0
    assert found["kelly"]["sharpe"] == pytest.approx(returns.mean() / returns.std() * 252**0.5)
    fall = 1.0 - equity / np.maximum.accumulate(equity)
    assert found["kelly"]["max_drawdown"] == pytest.approx(fall.max())
    turnover = np.array(found["series"]["kelly"]["traded_usd"]) / equity[:-1]
    assert found["kelly"]["turnover_per_year"] == pytest.approx(252 * turnover.mean())
    assert found["settings"]["params"]["limits"]["allow_short"] is True


def test_the_services_own_limits_hold_in_a_backtest(
    himari: Himari, prices: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIMARI_MAX_PORTFOLIO_PCT", "0.2")
    words = ("backtest", "--prices", prices, "--json", "out.json")
    himari(*words, "--only", "kelly,equal_weight")
    found = out()
    assert max(found["series"]["kelly"]["gross"]) <= 0.2 + 1e-3
    assert found["series"]["equal_weight"]["gross"][-1] == pytest.approx(0.2, abs=0.01)


# -- learned policies ----------------------------------------------------------------------------


def test_rl_asks_servers_of_its_own_and_compares_with_smoothed_kelly(
    himari: Himari, late_prices: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = Path("models")
    shutil.copytree(SHIPPED / "dummy-1", models / "dummy-1")
    (models / "current").write_text("dummy-1\n", "ascii")
    (models / "linear").write_text("dummy-1\n", "ascii")
    # relative to where the command is said, not to where the servers live
    monkeypatch.setenv("HIMARI_INFERENCE_MODEL_DIR", str(models))
    said = himari(
        *("backtest", "--prices", late_prices, "--json", "out.json", "--html", "out.html"),
        *("--mode", "rl", "--short", "--only", "kelly_smoothed,linear,rl"),
    )
    assert said.code == 0, said.err
    found = out()
    for name in ("linear", "rl"):
        # the dummy answers the baseline, and that is smoothed Kelly to the last bit
        assert found[name]["sharpe"] == found["kelly_smoothed"]["sharpe"]
        gain = [found[name][key] for key in ("sharpe_gain", "ci_low", "ci_high")]
        assert gain == [0.0, 0.0, 0.0]
        assert found[name]["decisions"] == {"rl": found[name]["n_days"]}
        assert found[name]["model_versions"] == ["dummy-1"]
        assert found[name]["model"]["version"] == "dummy-1"
        assert f"{name} over kelly_smoothed: Sharpe gain +0.000" in said.out
    assert "Multiplier of RL" in Path("out.html").read_text("utf-8")


def test_without_a_linear_version_linear_is_null_with_a_reason(
    himari: Himari, late_prices: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIMARI_INFERENCE_MODEL_DIR", str(Path("nowhere").resolve()))
    with guide_server() as server:
        himari(
            *("backtest", "--prices", late_prices, "--json", "out.json", "--mode", "rl"),
            *("--short", "--only", "kelly_smoothed,linear,rl", "--inference-url", server.endpoint),
        )
    found = out()
    assert found["linear"] is None
    assert "names a linear version" in found["notes"]["linear"]
    # the guide's server wants 5 % of everything
    assert found["rl"]["model"] is None
    assert found["rl"]["model_versions"] == ["v1.0"]
    assert len(server.asked) >= found["rl"]["n_days"]


def test_a_given_server_that_does_not_answer_is_refused(himari: Himari, prices: str) -> None:
    said = himari(
        *("backtest", "--prices", prices, "--json", "out.json", "--mode", "rl", "--only", "rl"),
        *("--inference-url", "http://127.0.0.1:9/predict"),
    )
    assert said.code == 1
    assert said.err.splitlines()[-1].startswith(
        "himari: no inference server answers at http://127.0.0.1:9/predict: "
    )


# -- files ---------------------------------------------------------------------------------------


def test_the_record_is_written_for_the_days_of_the_figures(himari: Himari, prices: str) -> None:
    said = himari(
        *("backtest", "--prices", prices, "--json", "out.json", "--only", "kelly_smoothed"),
        *("--record", "made/train.npz"),
    )
    assert "written: made/train.npz" in said.out
    with np.load("made/train.npz", allow_pickle=False) as arrays:
        assert [str(day) for day in arrays["dates"]] == out()["dates"][:-1]


class Page(HTMLParser):
    """Every tag with its attributes; unbalanced ones are an error."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.values: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.values += [value or "" for _, value in attrs]
        if tag not in {"meta", "line", "polyline", "polygon"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.values += [value or "" for _, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_one_file_that_asks_for_nothing(himari: Himari) -> None:
    symbols = ("<b>&", "S1", "S2")
    named = written(PricePanel(PANEL.dates, symbols, PANEL.closes), Path("a<b>&c.csv"))
    himari("backtest", "--prices", str(named), "--json", "out.json", "--html", "out.html")
    html = Path("out.html").read_text("utf-8")
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not any("//" in value or value.startswith("data:") for value in page.values)
    assert "url(" not in html
    assert "@import" not in html
    assert "prefers-color-scheme: dark" in html
    assert "Backtest of a<b>&c.csv" in page.text
    assert "<b>&" not in html.replace("a&lt;b&gt;", "")
    assert page.tags.count("svg") == 5
    for heading in (
        "Equity",
        "Drawdown",
        "Gross exposure",
        "Cost of trading",
        "By fold",
        "By year",
    ):
        assert heading in page.text
    assert "NaN" not in html
    assert "nan" not in page.text.lower().replace("finance", "")


# -- sentences -----------------------------------------------------------------------------------


def refused(himari: Himari, *words: str) -> str:
    said = himari("backtest", *words)
    assert said.code == 1
    assert said.out == ""
    assert not Path("out.json").exists()
    return said.err


def test_a_missing_file_is_refused(himari: Himari) -> None:
    said = refused(himari, "--prices", "none.csv", "--json", "out.json")
    assert said == "himari: there is no price file none.csv\n"


def test_a_broken_cell_is_refused_with_line_and_column(himari: Himari) -> None:
    Path("bad.csv").write_text("date,A\n2020-01-01,10\n2020-01-02,-3\n", "ascii")
    said = refused(himari, "--prices", "bad.csv", "--json", "out.json")
    assert said == "himari: bad.csv line 3, column A: must be a price > 0 or empty, was '-3'\n"


def test_too_few_days_are_refused(himari: Himari) -> None:
    short = str(written(random_walk(120, 2), Path("short.csv")))
    said = refused(himari, "--prices", short, "--json", "out.json")
    assert said == "himari: a backtest needs at least 300 days of prices, had 120\n"


def test_a_result_that_cannot_be_written_is_refused_before_anything_is_played(
    himari: Himari, prices: str
) -> None:
    Path("folder").mkdir()
    said = refused(himari, "--prices", prices, "--json", "folder")
    assert said == "himari: cannot write folder: Is a directory\n"
    said = refused(himari, "--prices", prices, "--json", "prices.csv/out.json")
    assert said == "himari: cannot write prices.csv: File exists\n"


def test_a_wrong_option_is_refused(himari: Himari, prices: str) -> None:
    said = refused(himari, "--prices", prices, "--json", "out.json", "--delay", "3")
    assert said == "himari: --delay must be 0 or 1, was 3\n"
    said = refused(himari, "--prices", prices, "--json", "out.json", "--mode", "real")
    assert said == "himari: --mode must be fallback or rl, was real\n"
