"""The table of panels, and the two of them whose packages the tests have anyway."""

import re
from pathlib import Path

import numpy as np
import pytest

from inference_server.training.data.catalogue import SOURCES, find_sources
from inference_server.training.data.errors import UnknownPanel
from inference_server.training.data.fetch import cached_path
from inference_server.training.data.panels import load_panels
from tests.inference_server.training.data.archives import cache_installed, refuse_download

REQUIREMENTS = Path(__file__).parents[4] / "requirements" / "train-data.txt"


def test_the_requirement_file_pins_the_very_same_archives() -> None:
    text = REQUIREMENTS.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [" ".join(line.split()) for line in text.splitlines() if not line.startswith("#")]
    assert lines == sorted({package.requirement for each in SOURCES for package in each.packages})


def test_the_requirement_file_names_no_index_and_no_host() -> None:
    text = REQUIREMENTS.read_text(encoding="utf-8")
    assert not re.search(r"https?:|--(extra-)?index-url|--find-links|--trusted-host", text)


def test_every_file_is_pinned_and_cached_in_a_place_of_its_own() -> None:
    files = [file for source in SOURCES for file in source.files]
    assert all(re.fullmatch("[0-9a-f]{64}", file.sha256) for file in files)
    assert len({cached_path(file, Path("data")) for file in files}) == len(set(files))


def test_panels_are_found_by_name_in_the_order_asked() -> None:
    assert [source.name for source in find_sources(["tse", "etfs"])] == ["tse", "etfs"]
    assert find_sources([]) == SOURCES
    assert len({source.name for source in SOURCES}) == len(SOURCES)


def test_an_unknown_panel_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownPanel, match=r"panel must be one of stocks, .*sp500, was bonds"):
        find_sources(["etfs", "bonds"])


def test_installed_files_are_the_pinned_ones_and_become_panels_offline(tmp_path: Path) -> None:
    names = ["stocks", "sp500_index", "factors", "indices"]
    cache_installed(names, tmp_path)
    stocks, index, factors, indices = load_panels(names, tmp_path, refuse_download)
    assert stocks.closes.shape == (8313, 20)
    assert np.isfinite(stocks.closes).all()
    assert (stocks.dated, stocks.interval_sec) == (True, 86_400)
    np.testing.assert_array_equal(stocks.dates, index.dates)
    assert factors.closes.shape == (2264, 5)
    assert indices.symbols == ("NASDAQ", "SP500", "WTI")
    assert str(indices.dates[0]) == "1986-01-02T00:00:00"
    # two packages, one index: the same closes to the cent
    common, here, there = np.intersect1d(index.dates, indices.dates, return_indices=True)
    ours, theirs = index.closes[here, 0], indices.closes[there, 1]
    priced = np.isfinite(theirs)
    assert priced.sum() > 5000
    assert len(common) > 5000
    np.testing.assert_allclose(ours[priced], theirs[priced], atol=0.0051)
