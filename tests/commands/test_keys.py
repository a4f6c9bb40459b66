"""``himari keys``: a key is shown once, kept as its hash, and gone when it is revoked."""

import io
import re
import stat
import sys
from pathlib import Path

import pytest

from app.adapters.key_file import read_key_file
from app.core.access import Role, entry_from_text
from tests.spoken_himari import Himari, clean_directory, himari

__all__ = ["clean_directory", "himari"]

KEYS = Path("himari.keys")


def spoken(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_new_key_is_shown_once_and_kept_as_its_hash(himari: Himari) -> None:
    said = himari("keys", "new", "desk")
    plain = said.out.strip()
    assert said.code == 0
    # 32 random bytes are 43 letters
    assert re.fullmatch(r"himari_[A-Za-z0-9_-]{43}", plain)
    assert "next: HIMARI_KEYS_FILE=himari.keys himari serve" in said.err
    assert stat.S_IMODE(KEYS.stat().st_mode) == 0o600
    assert plain not in KEYS.read_text("ascii")
    (key,) = read_key_file(KEYS).keys
    assert (key.name, set(key.roles)) == ("desk", {Role.TRADE})
    found = read_key_file(KEYS).find(plain.encode())
    assert found == key


def test_every_key_is_another(himari: Himari) -> None:
    shown = {himari("keys", "new", f"k{place}").out for place in range(3)}
    assert len(shown) == 3
    assert len(read_key_file(KEYS).keys) == 3


def test_a_key_has_the_roles_it_is_given(himari: Himari) -> None:
    himari("keys", "new", "risk", "--roles", "operate+read")
    said = himari("keys", "list")
    assert re.match(r"risk +operate, read +sha256 [0-9a-f]{12}\.\.\.\n", said.out)
    assert said.err == "1 keys in himari.keys\n"


def test_a_revoked_key_is_gone_and_the_others_stay(himari: Himari) -> None:
    for name in ("desk", "risk"):
        himari("keys", "new", name)
    said = himari("keys", "revoke", "desk")
    assert said.out == "revoked desk; 1 keys are left in himari.keys\n"
    assert [key.name for key in read_key_file(KEYS).keys] == ["risk"]
    again = himari("keys", "revoke", "desk")
    assert (again.code, again.err) == (1, "himari: himari.keys holds no key of desk\n")


def test_a_key_made_elsewhere_is_hashed_from_standard_input(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = "0123456789abcdef" * 4
    spoken(monkeypatch, f"{plain}\n")
    said = himari("keys", "hash", "desk", "--roles", "trade+operate")
    entry = said.out.strip()
    assert said.code == 0
    assert plain not in said.out + said.err
    assert entry_from_text(entry).entry() == entry
    assert not KEYS.exists()


@pytest.mark.parametrize("plain", ["", "hunter2", "with a blank " * 4, "\u00e4" * 40])
def test_what_a_hash_would_not_protect_is_refused(
    himari: Himari, monkeypatch: pytest.MonkeyPatch, plain: str
) -> None:
    spoken(monkeypatch, plain)
    said = himari("keys", "hash", "desk")
    assert said.code == 1
    assert "at least 32 visible ASCII characters" in said.err
    assert not plain or plain not in said.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("fly",), "himari keys needs one of new, list, hash, revoke, was fly"),
        (("new",), "a key needs a NAME"),
        (("revoke",), "a key needs a NAME"),
        (("new", "a b"), "a key's name must be"),
        (("new", "desk", "--roles", "admin"), "roles must be of read, trade, operate"),
        (("new", "desk", "--file", "nowhere/keys"), "nowhere/keys cannot be written"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    himari: Himari, words: tuple[str, ...], sentence: str
) -> None:
    said = himari("keys", *words)
    assert said.code == 1
    assert sentence in said.err
    assert not KEYS.exists()


def test_a_name_is_used_once(himari: Himari) -> None:
    himari("keys", "new", "desk")
    before = KEYS.read_text("ascii")
    said = himari("keys", "new", "desk")
    assert (said.code, said.out) == (1, "")
    assert "was desk twice" in said.err
    assert KEYS.read_text("ascii") == before


def test_the_file_of_the_settings_is_the_one_that_is_written(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIMARI_KEYS_FILE", "other.keys")
    said = himari("keys", "new", "desk")
    assert said.code == 0
    assert "next" not in said.err
    assert [key.name for key in read_key_file(Path("other.keys")).keys] == ["desk"]
    assert himari("keys", "new", "risk", "--file", "third.keys").code == 0
    assert not KEYS.exists()
