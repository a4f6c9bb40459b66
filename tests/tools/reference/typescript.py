"""Writes the types for TypeScript: ``python -m tests.tools.reference.typescript`` (node and npm).

The tools come from the lock file beside it into a scratch folder, nothing stays there. The types
carry the digest of the document that they are made from, so that a test without node can tell
whether they are current.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.tools.reference.document import digest_of, openapi_document

TYPES: Final = Path(__file__).parents[3] / "docs" / "clients" / "himari.d.ts"
TOOLS: Final = Path(__file__).parent / "npm"
_LOCKED: Final = ("package.json", "package-lock.json", ".npmrc")
_HEAD: Final = """\
// Types of the HIMARI Layer 3 API, made from its OpenAPI document.
// `python -m tests.tools.reference.typescript` writes this file anew; a test compares the digest.
// openapi sha256: {digest}
"""
# a field with a default may be left out of a request
_MAKING: Final = ("openapi.json", "-o", "types.d.ts", "--default-non-nullable=false")
_STRICT: Final = ("--strict", "--noEmit", "--target", "es2022", "--lib", "es2022,dom")


def main() -> int:
    """Write the types, and check a sample caller against them."""
    with TemporaryDirectory(prefix="himari-types-") as scratch:
        folder = Path(scratch)
        for name in _LOCKED:
            shutil.copy(TOOLS / name, folder / name)
        _run(folder, "npm", "ci")
        text = made(folder)
        (folder / "himari.d.ts").write_text(text, "utf-8")
        shutil.copy(TOOLS / "sample.ts", folder / "sample.ts")
        _run(folder, "node_modules/.bin/tsc", *_STRICT, "--module", "preserve", "sample.ts")
    TYPES.write_text(text, "utf-8")
    sys.stdout.write(f"wrote {TYPES.name}, {len(text.splitlines())} lines; the sample checks\n")
    return 0


def made(folder: Path) -> str:
    """Make the text of the types with the tools of a folder."""
    document = openapi_document()
    plain = json.loads(json.dumps(document), object_hook=_keyed_by_any_name)
    (folder / "openapi.json").write_text(json.dumps(plain), "utf-8")
    _run(folder, "node_modules/.bin/openapi-typescript", *_MAKING)
    text = (folder / "types.d.ts").read_text("utf-8")
    _, _, body = text.partition("*/\n")
    return f"{_HEAD.format(digest=digest_of(document))}\n{body.lstrip()}"


def _keyed_by_any_name(schema: dict[str, Any]) -> dict[str, Any]:
    """Say of an object with patterned names what the types can say: any name."""
    patterns = schema.pop("patternProperties", None)
    if patterns is not None:
        schema["additionalProperties"] = next(iter(patterns.values()))
    return schema


def _run(folder: Path, *words: str) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}")


if __name__ == "__main__":
    raise SystemExit(main())
