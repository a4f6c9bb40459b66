"""Keys and roles: what is kept of a key, what an entry is, and who may do what."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.access import (
    ALL_ROLES,
    AccessKey,
    KeyRing,
    Role,
    UnusableKeys,
    entry_from_text,
    hashed,
    is_entry,
    key_from_text,
    roles_from_text,
)

HASH = hashlib.sha256(b"the key").hexdigest()
VISIBLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("granted", "may"),
    [
        ({Role.READ}, {Role.READ}),
        ({Role.TRADE}, {Role.READ, Role.TRADE}),
        ({Role.OPERATE}, {Role.READ, Role.OPERATE}),
        ({Role.TRADE, Role.OPERATE}, {Role.READ, Role.TRADE, Role.OPERATE}),
    ],
)
def test_each_role_reads_and_none_includes_another(granted: set[Role], may: set[Role]) -> None:
    key = hashed("desk", granted, "the key")
    assert {role for role in Role if key.may(role)} == may


@given(
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True),
    roles=st.sets(st.sampled_from(Role), min_size=1),
    plain=VISIBLE,
)
def test_an_entry_reads_back_and_does_not_hold_the_key(
    name: str, roles: set[Role], plain: str
) -> None:
    key = hashed(name, roles, plain)
    entry = key.entry()
    assert entry_from_text(entry) == key_from_text(entry) == key
    assert is_entry(entry)
    assert len(plain) < 8 or plain not in entry.removeprefix(name)
    assert KeyRing([key]).find(plain.encode()) == key
    assert KeyRing([key]).find(entry.encode()) is None


@given(VISIBLE)
def test_a_plain_key_has_every_role_and_a_name_that_tells_nothing(plain: str) -> None:
    if is_entry(plain):
        return
    key = key_from_text(plain)
    assert key.roles == ALL_ROLES
    assert key.name == f"key-{hashlib.sha256(plain.encode()).hexdigest()[:12]}"
    assert KeyRing([key]).find(plain.encode()) == key


@pytest.mark.parametrize("plain", ["a:b", "a:b:c", "user:trading:c", "x:" + "ab" * 16, "::", "a:"])
def test_a_plain_key_may_hold_colons(plain: str) -> None:
    assert key_from_text(plain).roles == ALL_ROLES


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (f"desk:trde:{HASH}", "roles must be of read, trade, operate"),
        (f"desk:trade+trade:{HASH}", "each once"),
        (f"desk::{HASH}", "roles must be of"),
        (f"desk:trade:{HASH[:-1]}", "the hash of key desk must be 64 hex digits"),
        (f"desk:trade:{HASH.upper()}", "in lower case"),
        ("desk:trade:notahash", "the hash of key desk"),
        ("desk:read+operate:", "the hash of key desk"),
        (f"d sk:trade:{HASH}", "a key's name must be"),
        (f":trade:{HASH}", "a key's name must be"),
        (f"{'d' * 65}:trade:{HASH}", "1 to 64"),
        (f"desk:{HASH}", "must be name:roles:hash"),
        (f"a:desk:trade:{HASH}", "must be name:roles:hash"),
    ],
)
def test_what_is_meant_as_an_entry_and_is_none_is_refused_without_showing_it(
    entry: str, sentence: str
) -> None:
    with pytest.raises(UnusableKeys, match=sentence) as caught:
        key_from_text(entry)
    assert HASH[:8] not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "-a", "a:b", "x" * 65, "\u00e4"])
def test_a_name_that_cannot_be_written_down_is_refused(name: str) -> None:
    with pytest.raises(UnusableKeys, match="a key's name"):
        hashed(name, [Role.READ], "the key")


def test_a_key_without_a_role_is_refused() -> None:
    with pytest.raises(UnusableKeys, match="must have a role"):
        hashed("desk", [], "the key")


def test_roles_are_read_in_any_order() -> None:
    assert roles_from_text("operate+read") == {Role.READ, Role.OPERATE}
    assert hashed("a", [Role.OPERATE, Role.READ], "k").entry().split(":")[1] == "read+operate"


def test_a_ring_refuses_two_keys_of_one_name_and_two_names_of_one_key() -> None:
    one, other = hashed("desk", [Role.READ], "one"), hashed("desk", [Role.READ], "other")
    with pytest.raises(UnusableKeys, match="was desk twice"):
        KeyRing([one, other])
    again = AccessKey("alias", ALL_ROLES, one.digest)
    with pytest.raises(UnusableKeys, match="one has two names"):
        KeyRing([one]).joined(KeyRing([again]))


@given(st.lists(VISIBLE, min_size=1, max_size=6, unique=True), st.binary(max_size=70))
def test_a_ring_finds_its_own_keys_and_nothing_else(plain: list[str], other: bytes) -> None:
    keys = [hashed(f"k{place}", [Role.READ], text) for place, text in enumerate(plain)]
    ring = KeyRing(keys)
    assert [ring.find(text.encode()) for text in plain] == keys
    if other not in {text.encode() for text in plain}:
        assert ring.find(other) is None
