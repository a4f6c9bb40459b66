"""Every file, module, make target, link and anchor that a document names exists.

Anchors of documents that code and alerts name exist as well.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
DOCUMENTS: Final = (*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")))
ROOMS: Final = r"(?:app|inference_server|tests|grafana|docs|requirements)"
SOURCES: Final = tuple(
    path
    for room in ("app", "inference_server", "grafana")
    for kind in ("py", "yml", "html")
    for path in sorted((ROOT / room).rglob(f"*.{kind}"))
)
FENCED: Final = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
PATH: Final = re.compile(rf"(?<![\w/.:@-]){ROOMS}/[\w./-]*\w")
MODULE: Final = re.compile(rf"(?:`|python -m ){ROOMS}(?:\.\w+)+")
TARGET: Final = re.compile(r"(?:`|^)make ([a-z-]+)", re.MULTILINE)
LINK: Final = re.compile(r"(?:\]\(|src=\")(?!https?://)([^)\"\s]+)")


def missing(document: Path, text: str) -> Iterator[str]:
    """Yield what a document names and the repository does not have."""
    yield from (path for path in PATH.findall(text) if not (ROOT / path).exists())
    for found in MODULE.findall(text):
        name = re.sub(r"^`|^python -m ", "", found)
        module = ROOT / name.replace(".", "/")
        if not (module.is_dir() or module.with_suffix(".py").is_file()):
            yield name
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in TARGET.findall(text):
        if not re.search(rf"^{target}:", makefile, re.MULTILINE):
            yield f"make {target}"
    for link in LINK.findall(FENCED.sub("", text)):
        name, _, anchor = link.partition("#")
        path = (document.parent / name) if name else document
        if not path.exists() or (anchor and anchor not in anchors(path)):
            yield link


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_everything_that_a_document_names_exists(document: Path) -> None:
    assert not list(missing(document, document.read_text("utf-8")))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("sizes ([app/core/gone.py](README.md))", "app/core/gone.py"),
        ("see `tests/tools/gone`", "tests/tools/gone"),
        ("run `python -m tests.tools.gone`", "tests.tools.gone"),
        ("`app.gone` is typed", "app.gone"),
        ("```sh\nmake gone\n```", "make gone"),
        ("[a page](docs/gone.md)", "docs/gone.md"),
        ("[a part](README.md#gone)", "README.md#gone"),
    ],
)
def test_a_name_without_its_thing_is_found(text: str, name: str) -> None:
    assert name in list(missing(ROOT / "README.md", text))


def test_anchors_that_code_and_alerts_name_exist() -> None:
    named = {
        found
        for source in SOURCES
        for found in re.findall(r"docs/[\w./-]+\.md#[\w-]+", source.read_text("utf-8"))
    }
    assert any(found.startswith("docs/runbooks.md#") for found in named)
    assert not list(missing(ROOT / "README.md", "".join(f"[]({found})" for found in named)))
