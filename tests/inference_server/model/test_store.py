"""Model folders: only what was published is ever loaded."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from inference_server.errors import ModelRefused
from inference_server.model.store import current_version, verify_model
from inference_server.settings import SHIPPED_MODELS
from tests.inference_server.folders import CARD, write_model, write_sums


def test_the_shipped_models_are_whole() -> None:
    versions = [path.name for path in SHIPPED_MODELS.iterdir() if path.is_dir()]
    assert current_version(SHIPPED_MODELS) in versions
    for version in versions:
        assert verify_model(SHIPPED_MODELS, version).card.version == version


def test_a_published_folder_is_verified(store: Path) -> None:
    folder = write_model(store, "v1", files={"model.onnx": b"weights"})
    verified = verify_model(store, "v1")
    assert (verified.folder, verified.card.version) == (folder, "v1")


def change_a_byte(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"weighty")


def change_the_card(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"description": "better"}))


def take_a_file(folder: Path) -> None:
    (folder / "model.onnx").unlink()


def add_a_file(folder: Path) -> None:
    (folder / "extra.txt").write_text("hello")


def add_a_hidden_file(folder: Path) -> None:
    (folder / ".hidden").write_text("hello")


def add_a_folder(folder: Path) -> None:
    (folder / "sub").mkdir()


def take_the_sums(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()


def forget_the_card(folder: Path) -> None:
    (folder / "card.json").unlink()
    write_sums(folder)


def link_a_file(folder: Path) -> None:
    outside = folder.parent / "outside"
    (folder / "model.onnx").rename(outside)
    (folder / "model.onnx").symlink_to(outside)


def link_the_sums(folder: Path) -> None:
    outside = folder.parent / "outside"
    (folder / "SHA256SUMS").rename(outside)
    (folder / "SHA256SUMS").symlink_to(outside)


def make_a_pipe(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    os.mkfifo(folder / "model.onnx")


def name_a_path(folder: Path) -> None:
    with (folder / "SHA256SUMS").open("a") as sums:
        sums.write(f"{'0' * 64}  ../outside\n")


def name_a_file_twice(folder: Path) -> None:
    lines = (folder / "SHA256SUMS").read_text()
    (folder / "SHA256SUMS").write_text(lines + lines.splitlines()[0] + "\n")


def publish_a_pickle(folder: Path) -> None:
    (folder / "weights.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    write_sums(folder)


def claim_another_version(folder: Path) -> None:
    (folder / "card.json").write_text(json.dumps(CARD | {"version": "v2"}))
    write_sums(folder)


def grow_the_sums(folder: Path) -> None:
    (folder / "SHA256SUMS").write_bytes(b"0" * 1_000_001)


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (change_a_byte, "v1/model.onnx is not the published file"),
        (change_the_card, "v1/card.json is not the published file"),
        (take_a_file, "v1/model.onnx is missing"),
        (add_a_file, "'extra.txt' is not in SHA256SUMS"),
        (add_a_hidden_file, "'.hidden' is not in SHA256SUMS"),
        (add_a_folder, "'sub' is not in SHA256SUMS"),
        (take_the_sums, "v1/SHA256SUMS is missing"),
        (forget_the_card, "does not cover card.json"),
        (link_a_file, "v1/model.onnx must be a plain file"),
        (link_the_sums, "v1/SHA256SUMS is missing, or not a plain file"),
        (make_a_pipe, "v1/model.onnx must be a plain file"),
        (name_a_path, "must have lines"),
        (name_a_file_twice, "must name each other file once"),
        (publish_a_pickle, "'weights.pkl' is of a format that can carry code"),
        (claim_another_version, "card.json of v1 must name that version, was v2"),
        (grow_the_sums, "must hold at most"),
    ],
)
def test_a_folder_that_was_tampered_with_is_refused(
    store: Path, tamper: Callable[[Path], None], said: str
) -> None:
    folder = write_model(store, "v1", files={"model.onnx": b"weights"})
    tamper(folder)
    with pytest.raises(ModelRefused) as refusal:
        verify_model(store, "v1")
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    "version",
    ["", ".", "..", "../v1", "v1/../v1", "/etc", "v1/", ".hidden", "v1\n", "v 1", "a" * 101, "v\0"],
)
def test_a_version_is_a_name_and_never_a_path(store: Path, version: str) -> None:
    write_model(store, "v1")
    with pytest.raises(ModelRefused, match="a model version must be letters"):
        verify_model(store, version)


def test_a_version_that_is_not_there_or_a_link_is_refused(store: Path) -> None:
    folder = write_model(store, "v1")
    (store / "v2").symlink_to(folder)
    for version in ("v2", "v3", "current"):
        with pytest.raises(ModelRefused, match="is not a folder of the store"):
            verify_model(store, version)


def test_the_current_version_is_what_the_file_names(store: Path) -> None:
    write_model(store, "v1")
    assert current_version(store) == "v1"
    (store / "current").write_text("../../etc\n")
    with pytest.raises(ModelRefused, match=r"was '\.\./\.\./etc'"):
        current_version(store)
    (store / "current").unlink()
    with pytest.raises(ModelRefused, match="models/current is missing"):
        current_version(store)
