"""``python -m inference_server.training.data``."""

from pathlib import Path

import pytest

from app.history.prices import read_price_csv
from inference_server.training.data.__main__ import show_panels
from tests.inference_server.training.data.archives import cache_installed


def test_the_command_prints_each_panel_with_its_origin_and_writes_csv(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache_installed(["factors"], tmp_path / "cache")
    show_panels(["factors"], tmp_path / "cache", tmp_path / "csv")
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert "2014-01-02  2022-12-28" in printed
    assert "skfolio 1.12.2 (BSD-3-Clause)" in printed
    assert "5 US factor ETFs" in printed
    panel = read_price_csv(tmp_path / "csv" / "factors.csv")
    assert panel.symbols == ("MTUM", "QUAL", "SIZE", "USMV", "VLUE")


def test_what_the_user_can_mend_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        show_panels(["bonds"], tmp_path)
    assert ended.value.code == 1
    assert "panel must be one of" in capsys.readouterr().err
