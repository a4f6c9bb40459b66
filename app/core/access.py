"""Who may do what: roles, keys as hashes, and the ring that knows a key when it sees one.

A key is at rest only as ``name:roles:hash``; the hash is the SHA-256 of the key, in hex. A key is
256 random bits, so there is nothing that a slow hash would protect (decision 0019).
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_HASH_LIKE: Final = re.compile(r"[0-9A-Fa-f]{60,}")
_PLAIN_NAME_LENGTH: Final = 12


class Role(StrEnum):
    """What a key may do; each role includes reading, none includes another."""

    READ = "read"
    TRADE = "trade"
    OPERATE = "operate"


ALL_ROLES: Final = frozenset(Role)


class UnusableKeys(ValueError):
    """Keys that contradict each other, or an entry that is not one; never shows a key."""


@dataclass(frozen=True, slots=True)
class AccessKey:
    """One key as it is kept: its name, what it may do, and the SHA-256 of it (32 bytes)."""

    name: str
    roles: frozenset[Role]
    digest: bytes

    def may(self, role: Role) -> bool:
        """Whether the key has a role."""
        return role is Role.READ or role in self.roles

    def entry(self) -> str:
        """Text that :func:`key_from_text` reads: ``name:roles:hash``."""
        roles = "+".join(role for role in Role if role in self.roles)
        return f"{self.name}:{roles}:{self.digest.hex()}"


class KeyRing:
    """Keys by which callers are known.

    Parameters
    ----------
    keys : iterable of AccessKey

    Raises
    ------
    UnusableKeys
        If two have one name, or one key has two names.
    """

    def __init__(self, keys: Iterable[AccessKey]) -> None:
        self.keys: Final = tuple(keys)
        names = [key.name for key in self.keys]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise UnusableKeys(f"key names must be unique, was {twice} twice")
        if len({key.digest for key in self.keys}) < len(self.keys):
            raise UnusableKeys("keys must be unique, one has two names")

    def find(self, token: bytes) -> AccessKey | None:
        """Find the key of a token: all are compared each time, each in constant time."""
        digest = hashlib.sha256(token).digest()
        found = None
        for key in self.keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found

    def joined(self, other: Self) -> "KeyRing":
        """Return the keys of both."""
        return KeyRing((*self.keys, *other.keys))


def hashed(name: str, roles: Iterable[Role], plain: str) -> AccessKey:
    """Keep a key as its hash.

    Raises
    ------
    UnusableKeys
        If the name is none, or there is no role.
    """
    if not _NAME.fullmatch(name):
        raise UnusableKeys(
            "a key's name must be 1 to 64 letters, digits, dots, hyphens or underscores, "
            f"was {name[:64]!r}"
        )
    granted = frozenset(roles)
    if not granted:
        raise UnusableKeys(f"key {name} must have a role of {', '.join(Role)}")
    return AccessKey(name, granted, hashlib.sha256(plain.encode()).digest())


def roles_from_text(text: str) -> frozenset[Role]:
    """Read roles joined by ``+``.

    Raises
    ------
    UnusableKeys
        If one is not known, or given twice.
    """
    names = text.split("+")
    known = [role for role in Role if role.value in names]
    if len(known) < len(names):
        raise UnusableKeys(f"roles must be of {', '.join(Role)}, joined by +, each once")
    return frozenset(known)


def entry_from_text(text: str) -> AccessKey:
    """Read ``name:roles:hash``.

    Raises
    ------
    UnusableKeys
        Saying which part is wrong, without showing it.
    """
    parts = text.split(":")
    if len(parts) != 3:
        raise UnusableKeys("a key's entry must be name:roles:hash")
    name, roles, digest = parts
    if not _NAME.fullmatch(name):
        raise UnusableKeys(
            "a key's name must be 1 to 64 letters, digits, dots, hyphens or underscores"
        )
    granted = roles_from_text(roles)
    if not _HASH.fullmatch(digest):
        raise UnusableKeys(f"the hash of key {name} must be 64 hex digits in lower case")
    return AccessKey(name, granted, bytes.fromhex(digest))


def key_from_text(text: str) -> AccessKey:
    """Read one setting of a key: an entry, or the plain key, which has every role.

    A plain key's name tells nothing of it: ``key-`` and 12 hex digits of its SHA-256.

    Raises
    ------
    UnusableKeys
        If it is meant as an entry and is not one: taken as a plain key, the entry itself, which
        is no secret, would let in.
    """
    if is_entry(text):
        return entry_from_text(text)
    digest = hashlib.sha256(text.encode()).digest()
    return AccessKey(f"key-{digest.hex()[:_PLAIN_NAME_LENGTH]}", ALL_ROLES, digest)


def is_entry(text: str) -> bool:
    """Whether a key's text is an entry, or was meant as one: it ends in a hash or names roles."""
    parts = text.split(":")
    if len(parts) > 1 and _HASH_LIKE.fullmatch(parts[-1]):
        return True
    return len(parts) == 3 and set(parts[1].split("+")) <= {role.value for role in Role}
