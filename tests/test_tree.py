"""The tests mirror the rooms, share through plain modules, and leave our modules as they are."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
OURS: Final = ("app", "edge", "inference_server")
# folders of tests whose subject is not one room
ACROSS: Final = ("contract", "faults", "golden", "stack", "tools", "docs", "e2e")
# tests of the repository itself
OF_THE_WHOLE: Final = ("test_readme.py", "test_tree.py")

MODULES: Final = sorted((ROOT / "tests").rglob("*.py"))
TESTS: Final = [path for path in MODULES if path.name.startswith("test_")]
MIRRORING: Final = [
    path for path in TESTS if path.relative_to(ROOT / "tests").parts[0] not in ACROSS
]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(test: Path) -> Path | None:
    """Return the folder of sources that the test's own folder mirrors, None where there is none."""
    folder = test.parent.relative_to(ROOT / "tests")
    rooms = (ROOT / "app" / folder, ROOT / folder)
    return next((room for room in rooms if room.is_dir()), None)


def modules_imported(source: ast.Module) -> Iterator[str]:
    """Name every module that is imported, and every name taken from one, dotted."""
    for node in ast.walk(source):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def our_names(source: ast.Module) -> set[str]:
    """Names that the file has from our own packages."""
    found: set[str] = set()
    for node in ast.walk(source):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OURS:
            found |= {name.asname or name.name for name in node.names}
        elif isinstance(node, ast.Import):
            ours = (name for name in node.names if name.name.split(".")[0] in OURS)
            found |= {name.asname or name.name.split(".")[0] for name in ours}
    return found


def patches_our_own(source: ast.Module) -> bool:
    """Whether ``setattr`` of a patcher is called on a name or a dotted path of ours."""
    ours = our_names(source)
    for node in ast.walk(source):
        if not (isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Attribute)):
            continue
        first = node.args[0]
        while isinstance(first, ast.Attribute):
            first = first.value
        named = first.id if isinstance(first, ast.Name) else None
        text = first.value if isinstance(first, ast.Constant) else None
        dotted = isinstance(text, str) and text.split(".")[0] in OURS
        if node.func.attr == "setattr" and (named in ours or dotted):
            return True
    return False


@pytest.mark.parametrize("test", MIRRORING, ids=name_of)
def test_a_test_lies_in_the_folder_of_what_it_tests(test: Path) -> None:
    room, subject = room_of(test), test.stem.removeprefix("test_")
    assert room is not None, "no folder of sources has this name"
    if (room / f"{subject}.py").is_file() or (room / subject).is_dir():
        return
    if test.parent == ROOT / "tests":
        assert test.name in OF_THE_WHOLE or (ROOT / "app" / f"{subject}.py").is_file()
        return
    # a file of this name deeper in the room has its test beside it
    elsewhere = [name_of(path) for path in room.rglob(f"{subject}.py")]
    assert elsewhere == []


def is_for_pytest_alone(module: str) -> bool:
    """Whether the dotted name is that of a test module or a conftest of the tests."""
    file = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    named = file.name == "conftest.py" or file.name.startswith("test_")
    return module.startswith("tests.") and named and file.is_file()


def test_what_tests_share_is_in_no_test_module_and_in_no_conftest() -> None:
    shared = {
        f"{name_of(path)} imports {module}"
        for path in MODULES
        for module in modules_imported(ast.parse(path.read_text(encoding="utf-8")))
        if is_for_pytest_alone(module)
    }
    assert shared == set()


def test_no_test_replaces_a_name_of_our_own_modules() -> None:
    patched = [
        name_of(path)
        for path in MODULES
        if patches_our_own(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert patched == []
