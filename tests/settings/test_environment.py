"""Who looks at the environment: the settings, and what hands it on to another process."""

import ast
from pathlib import Path

import app

ROOT = Path(app.__file__).parent
HAND_IT_ON = {"processes/service.py", "commands/launch.py"}
READERS = {"environ", "environb", "getenv", "getenvb"}


def reads_the_environment(source: str) -> bool:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in READERS:
            return True
        if isinstance(node, ast.ImportFrom) and READERS & {alias.name for alias in node.names}:
            return True
    return False


def test_the_environment_is_read_by_the_settings_alone_and_handed_on_in_two_places() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if reads_the_environment(path.read_text("utf-8"))
    }
    assert readers == {"settings/read.py"} | HAND_IT_ON
