"""What the documents say is true: examples run, tables agree with the code.

The ``bash`` blocks of a document run in order against one fresh service, its ``python`` blocks in
one interpreter. A ``json`` or ``text`` block after one shows its output: ``...`` stands for
anything, an object may leave fields out, a number is as exact as it is written.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from prometheus_client import REGISTRY
from pydantic import BaseModel
from typer.main import get_group

import app
import inference_server
from app import main
from app.api.request import schemas as schemas_request
from app.api.response import decision_schemas
from app.api.response import schemas as schemas_response
from app.cli import app as command_line
from app.core.types import Prediction
from app.processes.service import running_service
from app.settings import Settings
from inference_server import settings as inference

ROOT: Final = Path(__file__).resolve().parents[1]
DOCUMENTS: Final = (
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(path for path in ROOT.glob("docs/**/*.md") if "bench" not in path.parts),
)
RECORDS: Final = tuple(path for path in DOCUMENTS if "decisions" in path.parts)
FENCE: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ADDRESS: Final = "localhost:8000"
# runs each document's code in a namespace of its own and gives back what each block printed
SESSION: Final = """
import contextlib, io, json, sys
printed = []
for document in json.load(sys.stdin):
    scope = {"__name__": "__main__"}
    for code in document:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(code, "<example>", "exec"), scope)
        printed.append(out.getvalue())
json.dump(printed, sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class Example:
    """Code of a document, and the output it shows: in which language, and what."""

    language: str
    code: str
    shown: tuple[str, str] | None


def examples(text: str) -> Iterator[Example]:
    blocks = FENCE.findall(text)
    for (language, code), following in pairwise([*blocks, ("", "")]):
        if language in {"bash", "python"}:
            shown = following if following[0] in {"json", "text"} else None
            yield Example(language, code, shown)


def environment() -> dict[str, str]:
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("HIMARI_")}
    scripts = f"{Path(sys.executable).parent}{os.pathsep}{inherited.get('PATH', '')}"
    return inherited | {"PATH": scripts, "PYTHONPATH": str(ROOT), "NO_PROXY": "*"}


def run_bash(found: list[Example], folder: Path) -> Iterator[tuple[Example, str]]:
    with ExitStack() as stack:
        address = ADDRESS
        if any(ADDRESS in example.code for example in found):
            address = stack.enter_context(running_service({})).base_url.netloc.decode()
        for example in found:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", example.code.replace(ADDRESS, address)],  # noqa: S607 (of the PATH, as a reader's)
                cwd=folder,
                env=environment(),
                capture_output=True,
                text=True,
                timeout=15,
                check=False,
            )
            assert done.returncode == 0, f"{example.code}\n{done.stdout}\n{done.stderr}"
            yield example, done.stdout.replace(address, ADDRESS)


def run_python(documents: list[list[Example]], folder: Path) -> Iterator[tuple[Example, str]]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SESSION],
        input=json.dumps([[example.code for example in found] for found in documents]),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    yield from zip(chain.from_iterable(documents), json.loads(done.stdout), strict=True)


def differences(actual: Any, shown: Any, path: str = "") -> Iterator[str]:
    """Where an output is not what a document shows of it."""
    if shown == "...":
        return
    if isinstance(shown, dict) and isinstance(actual, dict):
        for name, value in shown.items():
            if name not in actual:
                yield f"{path}.{name} is missing"
            else:
                yield from differences(actual[name], value, f"{path}.{name}")
    elif isinstance(shown, list) and isinstance(actual, list) and len(shown) == len(actual):
        for place, (mine, theirs) in enumerate(zip(actual, shown, strict=True)):
            yield from differences(mine, theirs, f"{path}[{place}]")
    elif not _same_leaf(actual, shown):
        yield f"{path} is {actual!r}, shown as {shown!r}"


def _same_leaf(actual: Any, shown: Any) -> bool:
    if not isinstance(shown, Decimal):
        return bool(actual == shown)
    half_of_last_digit = Decimal(5).scaleb(int(shown.as_tuple().exponent) - 1)
    return isinstance(actual, int | Decimal) and abs(actual - shown) <= half_of_last_digit


def assert_shown(example: Example, output: str) -> None:
    if example.shown is None:
        return
    kind, shown = example.shown
    if kind == "json":
        actual = json.loads(output, parse_float=Decimal)
        found = list(differences(actual, json.loads(shown, parse_float=Decimal)))
        assert not found, f"{example.code}\n" + "\n".join(found)
    else:
        pattern = re.escape(shown.strip()).replace(re.escape("..."), ".*")
        assert re.fullmatch(pattern, output.strip(), re.DOTALL), f"{example.code}\n{output}"


def examples_in(document: Path, language: str) -> list[Example]:
    return [each for each in examples(document.read_text("ascii")) if each.language == language]


def documents_with(language: str) -> list[Path]:
    return [document for document in DOCUMENTS if examples_in(document, language)]


@pytest.mark.parametrize("document", documents_with("bash"), ids=lambda path: path.stem)
def test_bash_examples_give_what_the_document_shows(document: Path, tmp_path: Path) -> None:
    for example, output in run_bash(examples_in(document, "bash"), tmp_path):
        assert_shown(example, output)


def test_python_examples_give_what_their_documents_show(tmp_path: Path) -> None:
    documents = [examples_in(document, "python") for document in documents_with("python")]
    for example, output in run_python(documents, tmp_path):
        assert_shown(example, output)


def test_readme_and_api_hold_examples_that_are_run() -> None:
    assert ROOT / "README.md" in documents_with("bash")
    assert ROOT / "README.md" in documents_with("python")
    assert len(examples_in(ROOT / "docs/api.md", "bash")) >= 15


def test_an_output_that_differs_from_what_is_shown_is_found() -> None:
    actual = json.loads('{"a": 1.26, "b": [1, 2], "c": null}', parse_float=Decimal)
    shown = json.loads('{"a": 1.3, "b": "...", "c": null}', parse_float=Decimal)
    assert not list(differences(actual, shown))
    wrong = json.loads('{"a": 1.2, "b": [1], "c": 0, "d": "..."}', parse_float=Decimal)
    assert [found.partition(" ")[0] for found in differences(actual, wrong)] == [
        ".a",
        ".b",
        ".c",
        ".d",
    ]


def flat_settings(values: Mapping[str, Any], model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Every setting as a table names it, and its default as a table shows it."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            below = flat_settings(values[name], kind)
            yield from ((f"{name.upper()}__{leaf}", shown) for leaf, shown in below)
        else:
            yield name.upper(), as_shown(values[name])


def as_shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value in (None, (), ""):
        return "none"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


@pytest.mark.parametrize(
    ("prefix", "values", "model"),
    [
        ("", Settings().model_dump(), Settings),
        (inference.PREFIX, inference.Settings().model_dump(), inference.Settings),
    ],
    ids=["service", "inference server"],
)
def test_the_settings_tables_show_known_settings_once_with_their_defaults(
    prefix: str, values: dict[str, Any], model: type[BaseModel]
) -> None:
    row = re.compile(rf"^\| `{prefix}([A-Z][A-Z0-9_]*)` \| `([^`]+)` \|", re.MULTILINE)
    rows = [
        (name, shown)
        for name, shown in row.findall((ROOT / "README.md").read_text("ascii"))
        if prefix or not name.startswith(inference.PREFIX)
    ]
    if "model_dir" in values:
        values["model_dir"] = values["model_dir"].relative_to(ROOT)
    # docs/settings.md has them all: tests/commands/test_settings_page.py
    known = dict(flat_settings(values, model))
    assert rows
    assert len(rows) == len(dict(rows))
    assert dict(rows) == {name: known[name] for name, _ in rows}


def metric_names() -> set[str]:
    assert main.VERSION  # importing it registers the families
    suffixes = {
        "counter": ["_total"],
        "histogram": ["", "_bucket", "_count", "_sum"],
        "info": ["_info"],
    }
    return {
        f"{family.name}{suffix}"
        for family in REGISTRY.collect()
        for suffix in suffixes.get(family.type, [""])
    }


def glossary() -> list[list[str]]:
    text = (ROOT / "README.md").read_text("ascii").partition("## Glossary")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_every_metric_that_a_document_names_is_exposed() -> None:
    names = {
        name
        for document in DOCUMENTS
        for name in re.findall(r"himari_l3_[a-z0-9_]*[a-z0-9]\b", document.read_text("ascii"))
    }
    names |= {f"himari_l3_{found}" for row in glossary() for found in re.findall("`(.+?)`", row[5])}
    assert len(names) > 20
    assert not names - metric_names()


def test_every_wire_name_of_the_glossary_is_a_field_of_a_body() -> None:
    fields = set(Prediction.__slots__)
    for module in (schemas_request, decision_schemas, schemas_response):
        for shape in vars(module).values():
            if isinstance(shape, type) and issubclass(shape, BaseModel):
                fields |= shape.model_fields.keys()
    assert all(len(row) == 6 for row in glossary())
    names = {name for row in glossary() for name in re.findall("`(.+?)`", row[4])}
    assert len(names) > 20
    assert not names - fields


def all_text() -> str:
    return "\n".join(document.read_text("ascii") for document in DOCUMENTS)


def test_commands_and_options_that_documents_name_exist() -> None:
    known = {
        name: {option for parameter in command.params for option in parameter.opts}
        for name, command in get_group(command_line).commands.items()
    }
    assert known.keys() == set(re.findall(r"^\| `himari (\w+)", all_text(), re.MULTILINE))
    for name, rest in re.findall(r"(?:`|^)himari ([a-z]+)([^`\n]*)", all_text(), re.MULTILINE):
        assert set(re.findall(r"--[a-z-]+", rest)) <= known[name], f"himari {name}{rest}"


@pytest.mark.parametrize("package", [app, inference_server], ids=["app", "inference_server"])
def test_the_way_of_the_data_names_files_that_exist(package: ModuleType) -> None:
    files = re.findall(r"([a-z_0-9/]+\.py)", package.__doc__ or "")
    assert len(files) > 20
    rooms = (ROOT, ROOT / package.__name__)
    assert not [name for name in files if not any((room / name).is_file() for room in rooms)]


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_decision_record_is_short_and_has_its_parts(record: Path) -> None:
    text = record.read_text("ascii")
    assert len(text.splitlines()) <= 40
    parts = re.findall(r"^## (\w+)", text, re.MULTILINE)
    assert parts in (
        ["Context", "Decision", "Consequences"],
        ["Context", "Decision", "Consequences", "Alternatives"],
    )


def test_decision_records_are_numbered_without_gaps() -> None:
    numbers = [int(record.name[:4]) for record in RECORDS]
    assert numbers == list(range(1, len(numbers) + 1))
