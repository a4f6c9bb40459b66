"""The committed types for TypeScript are of the document as it is."""

import json

from tests.tools.reference.document import digest_of, openapi_document
from tests.tools.reference.typescript import TOOLS, TYPES


def test_the_types_are_of_the_present_document() -> None:
    found = TYPES.read_text("utf-8")
    expected = f"// openapi sha256: {digest_of(openapi_document())}\n"
    assert expected in found, "run python -m tests.tools.reference.typescript"


def test_every_operation_and_schema_is_in_the_types() -> None:
    text = TYPES.read_text("utf-8")
    document = openapi_document()
    for name in document["components"]["schemas"]:
        assert f" {name}: {{" in text, name
    for methods in document["paths"].values():
        for operation in methods.values():
            assert f" {operation['operationId']}: {{" in text


def test_the_lock_names_checksums_and_no_host() -> None:
    locked = json.loads((TOOLS / "package-lock.json").read_text("utf-8"))["packages"]
    packages = {name: entry for name, entry in locked.items() if name}
    assert len(packages) > 5
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert not [name for name, entry in packages.items() if "resolved" in entry]
