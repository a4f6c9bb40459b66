"""``himari keys``: make, list, hash and revoke the keys of callers."""

import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from typer import echo

from app.adapters.key_file import read_key_file, write_key_file
from app.commands.refusal import CommandRefused
from app.core.access import AccessKey, KeyRing, UnusableKeys, hashed, roles_from_text
from app.settings import load_settings

FILE_NAME: Final = "himari.keys"
# searches for leaked secrets know a key by how it begins
PREFIX: Final = "himari_"
_RANDOM_BYTES: Final = 32
_SHORTEST: Final = 32


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """Whose key, what it may do, and which file holds its hash."""

    name: str | None = None
    roles: str = "trade"
    file: Path | None = None


def new_key() -> str:
    """Make a key of 256 random bits, in letters that need no quoting anywhere."""
    return PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def keys(what: str, options: KeyOptions) -> int:
    """Do one thing with keys.

    Returns
    -------
    int
        0.

    Raises
    ------
    CommandRefused
        If there is no such thing to do, or the name or the roles cannot be used.
    KeyFileUnusable
        If the file cannot be read or written.
    """
    action = _ACTIONS.get(what)
    if action is None:
        raise CommandRefused(f"himari keys needs one of {', '.join(_ACTIONS)}, was {what}")
    try:
        action(options)
    except UnusableKeys as error:
        raise CommandRefused(str(error)) from error
    return 0


def _new(options: KeyOptions) -> None:
    plain = new_key()
    key = _hashed(options, plain)
    path, known = _file_of(options)
    write_key_file(path, known.joined(KeyRing([key])))
    echo(plain)
    echo(f"this is the key of {key.name}; it is not shown again", err=True)
    _print_next_step(options, path)


def _list(options: KeyOptions) -> None:
    path, known = _file_of(options)
    for key in known.keys:
        roles = ", ".join(sorted(key.roles))
        echo(f"{key.name:<24} {roles:<24} sha256 {key.digest.hex()[:12]}...")
    echo(f"{len(known.keys)} keys in {path}", err=True)


def _hash(options: KeyOptions) -> None:
    """Print an entry for a key from standard input, where no list of processes shows it."""
    plain = sys.stdin.readline().strip()
    if len(plain) < _SHORTEST or not (plain.isascii() and plain.isprintable() and " " not in plain):
        raise CommandRefused(
            f"the key must be at least {_SHORTEST} visible ASCII characters on standard input, "
            f"was {len(plain)}; a hash protects a random key, not a password"
        )
    echo(_hashed(options, plain).entry())


def _revoke(options: KeyOptions) -> None:
    name = _name_of(options)
    path, known = _file_of(options)
    kept = [key for key in known.keys if key.name != name]
    if len(kept) == len(known.keys):
        raise CommandRefused(f"{path} holds no key of {name}")
    write_key_file(path, KeyRing(kept))
    echo(f"revoked {name}; {len(kept)} keys are left in {path}")


_ACTIONS: Final[Mapping[str, Callable[[KeyOptions], None]]] = {
    "new": _new,
    "list": _list,
    "hash": _hash,
    "revoke": _revoke,
}


def _name_of(options: KeyOptions) -> str:
    if options.name is None:
        raise CommandRefused("a key needs a NAME: who uses it, as in `himari keys new desk`")
    return options.name


def _hashed(options: KeyOptions, plain: str) -> AccessKey:
    return hashed(_name_of(options), roles_from_text(options.roles), plain)


def _file_of(options: KeyOptions) -> tuple[Path, KeyRing]:
    """Path and content of the file; one that is not there holds nothing."""
    path = options.file or _set_file() or Path(FILE_NAME)
    return path, read_key_file(path) if path.exists() else KeyRing([])


def _set_file() -> Path | None:
    """File of the settings; it need not be there yet."""
    named = load_settings().keys_file
    return None if named is None else Path(named)


def _print_next_step(options: KeyOptions, path: Path) -> None:
    if options.file is None and _set_file() is not None:
        return
    echo(f"next: HIMARI_KEYS_FILE={path} himari serve", err=True)
