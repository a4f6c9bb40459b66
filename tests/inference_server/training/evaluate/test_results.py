"""An evaluation goes to a file and comes back the same."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from inference_server.training.evaluate.results import RESULTS, Results, save_results
from tests.inference_server.training.evaluate.evaluations import strong_results


def load_results(path: Path) -> Results:
    content = path.read_bytes()
    return RESULTS.validate_json(gzip.decompress(content) if path.suffix == ".gz" else content)


@pytest.mark.parametrize("name", ["evaluation.json", "evaluation.json.gz"])
def test_what_is_saved_comes_back_the_same(tmp_path: Path, name: str) -> None:
    results = strong_results()
    save_results(results, tmp_path / "run" / name)
    assert load_results(tmp_path / "run" / name) == results


def test_the_same_evaluation_makes_the_same_file(tmp_path: Path) -> None:
    for name in ("a.json.gz", "b.json.gz"):
        save_results(strong_results(), tmp_path / name)
    assert (tmp_path / "a.json.gz").read_bytes() == (tmp_path / "b.json.gz").read_bytes()


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    save_results(strong_results("long_flat"), path)
    content = json.loads(path.read_text())
    content["cases"]["long_flat"]["shufled_gains"] = []
    path.write_text(json.dumps(content))
    with pytest.raises(ValidationError, match="shufled_gains"):
        load_results(path)


def test_a_series_with_a_day_too_few_is_refused_on_the_way_back(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    save_results(strong_results("long_flat"), path)
    content = json.loads(path.read_text())
    content["cases"]["long_flat"]["main"]["policies"]["rl"]["returns"].pop()
    path.write_text(json.dumps(content))
    with pytest.raises(ValidationError, match="rl must have 800 days in stocks, had 799"):
        load_results(path)


def test_a_remark_on_a_section_that_the_page_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"were on \['weather'\]"):
        replace(strong_results(), remarks={"weather": ("It rained.",)})  # type: ignore[dict-item]
