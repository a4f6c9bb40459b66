"""The blocking client equals the asynchronous one, word for word, but for async and await."""

import ast
import re
from pathlib import Path

import pytest

import app.client

ROOM = Path(app.client.__file__).parent
# In this order: what an asynchronous word is called where code blocks.
BLOCKING = (
    (r"\basync (def|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAsync(?=[A-Z])", ""),
    (r"\b__a(enter|exit)__", r"__\1__"),
    (r"\ba(close|read)\b", r"\1"),
    (r"\bhandle_async_request\b", "handle_request"),
    (r"\bwire_async\b", "wire_sync"),
    (r"\basyncio\b", "time"),
    (r"\btasks of one loop\b", "threads"),
    (r"\btasks\b", "threads"),
    (r"\bawaits\b", "waits"),
    (r"\bAsynchronous\b", "Blocking"),
)


def blocking_text(text: str) -> str:
    for pattern, replacement in BLOCKING:
        text = re.sub(pattern, replacement, text)
    return text


def statements(text: str) -> dict[str, str]:
    """Statements of a module by name, or by themselves, whatever their line breaks and comments."""
    body = ast.parse(text).body
    return {getattr(node, "name", ast.unparse(node)): ast.unparse(node) for node in body}


def differing(asynchronous: str, blocking: str) -> set[str]:
    """Names of what differs, or stands in one of the two alone."""
    made = statements(blocking_text((ROOM / asynchronous).read_text()))
    written = statements((ROOM / blocking).read_text())
    return {name for name in made.keys() | written.keys() if made.get(name) != written.get(name)}


def test_the_two_clients_are_equal() -> None:
    assert differing("asynchronous.py", "blocking.py") == set()


def test_the_two_transports_differ_only_in_how_a_name_is_resolved() -> None:
    # The blocking library gives each address of a name the whole limit, so ours tries them itself.
    expected = {"_Network", "_addresses", "_numeric", "import socket"}
    assert differing("wire_async.py", "wire_sync.py") == expected


@pytest.mark.parametrize(
    ("asynchronous", "blocking"),
    [
        ("async def f():\n    await g()", "def f():\n    g()"),
        (
            "async with AsyncClient() as c:\n    await c.aclose()",
            "with Client() as c:\n    c.close()",
        ),
        ("await asyncio.sleep(1)", "time.sleep(1)"),
    ],
)
def test_asynchronous_words_become_blocking_ones(asynchronous: str, blocking: str) -> None:
    assert statements(blocking_text(asynchronous)) == statements(blocking)


def test_statements_that_differ_are_seen() -> None:
    assert statements("def f(): return 1") != statements("def f(): return 2")
