"""Versioned model folders: ``<folder>/<version>/{card.json, ..., SHA256SUMS}``.

SHA256SUMS, in the format of ``sha256sum``, names exactly the files beside it. Nothing is loaded
before every file has its checksum, and no file is of a format that can carry code.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference_server.errors import ModelRefused
from inference_server.model.card import VERSION_PATTERN, ModelCard, parse_card

SUMS: Final = "SHA256SUMS"
CARD: Final = "card.json"
CURRENT: Final = "current"
_VERSION: Final = re.compile(VERSION_PATTERN)
_LINE: Final = re.compile(r"([0-9a-f]{64}) [ *]([A-Za-z0-9][A-Za-z0-9._-]{0,254})")
# unpickling runs code: such files have no place in a model folder, checksummed or not
_CODE: Final = frozenset({".pkl", ".pickle", ".pt", ".pth", ".joblib", ".py", ".so"})
_MAX_TEXT_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class VerifiedModel:
    """A folder whose files have their published checksums, and its card."""

    folder: Path
    card: ModelCard


def current_version(store: Path) -> str:
    """Return the version that the store's ``current`` file names.

    Raises
    ------
    ModelRefused
        If there is none, or it is no version.
    """
    version = _read(store / CURRENT).decode("utf-8", "replace").strip()
    return _checked(version)


def verify_model(store: Path, version: str) -> VerifiedModel:
    """Check every file of a version's folder against its checksum, and read the card.

    Parameters
    ----------
    store : Path
    version : str
        Letters, digits, dot, dash, underscore; never a path.

    Raises
    ------
    ModelRefused
        At the first file that is missing, unexpected, changed or a link, or if the card is invalid.
    """
    folder = store / _checked(version)
    if folder.is_symlink() or not folder.is_dir():
        raise ModelRefused(f"model {version} is not a folder of the store")
    expected = _sums(_read(folder / SUMS))
    _refuse_difference(folder, set(expected))
    for name, digest in expected.items():
        if _digest(folder / name) != digest:
            raise ModelRefused(f"{version}/{name} is not the published file: its SHA-256 differs")
    card = parse_card(_read(folder / CARD))
    if card.version != version:
        raise ModelRefused(f"card.json of {version} must name that version, was {card.version}")
    return VerifiedModel(folder, card)


def _checked(version: str) -> str:
    if not _VERSION.fullmatch(version):
        raise ModelRefused(
            f"a model version must be letters, digits, '.', '_' and '-', was {version[:100]!r}"
        )
    return version


def _refuse_difference(folder: Path, expected: set[str]) -> None:
    found = {entry.name for entry in folder.iterdir()} - {SUMS}
    if missing := sorted(expected - found):
        raise ModelRefused(f"{folder.name}/{missing[0]} is missing")
    if extra := sorted(found - expected):
        raise ModelRefused(f"{folder.name}/{extra[0][:100]!r} is not in {SUMS}")
    if CARD not in expected:
        raise ModelRefused(f"{folder.name}/{SUMS} does not cover {CARD}")


def _sums(raw: bytes) -> dict[str, str]:
    sums: dict[str, str] = {}
    for line in raw.decode("utf-8", "replace").splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            raise ModelRefused(f"{SUMS} must have lines 'sha256  name', was {line[:100]!r}")
        digest, name = match.groups()
        if name in sums or name == SUMS:
            raise ModelRefused(f"{SUMS} must name each other file once, was {name!r}")
        if Path(name).suffix.lower() in _CODE:
            raise ModelRefused(f"{name!r} is of a format that can carry code")
        sums[name] = digest
    return sums


def _digest(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        raise ModelRefused(f"{path.parent.name}/{path.name} must be a plain file")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> bytes:
    place = f"{path.parent.name}/{path.name}"
    if path.is_symlink() or not path.is_file():
        raise ModelRefused(f"{place} is missing, or not a plain file")
    try:
        if path.stat().st_size > _MAX_TEXT_BYTES:
            raise ModelRefused(f"{place} must hold at most {_MAX_TEXT_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise ModelRefused(f"{place} cannot be read: {error.strerror}") from error
