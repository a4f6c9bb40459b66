"""Model folders made to order, with a card, extra files and checksums."""

import hashlib
import json
from pathlib import Path
from typing import Any

CARD: dict[str, Any] = {
    "version": "v1",
    "kind": "dummy",
    "created": "2026-11-20",
    "description": "Made by a test.",
    "alpha": {"long_flat": 0.0, "long_short": 0.0},
    "confidence": {"long_flat": 0.5, "long_short": 0.5},
    "min_returns": 250,
    "details": {},
    "evidence": {},
}


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS over every file of a folder."""
    names = sorted(path.name for path in folder.iterdir() if path.name != "SHA256SUMS")
    lines = [
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


def write_model(
    store: Path, version: str = "v1", *, files: dict[str, bytes] | None = None, **card: Any
) -> Path:
    """Publish a version; returns its folder. The first one becomes the current one."""
    folder = store / version
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(json.dumps(CARD | {"version": version} | card))
    for name, content in (files or {}).items():
        (folder / name).write_bytes(content)
    write_sums(folder)
    current = store / "current"
    if not current.exists():
        current.write_text(f"{version}\n")
    return folder
