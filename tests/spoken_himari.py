"""The command line, spoken to within the test's own process and directory."""

import os
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.cli import main


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port: int = listening.getsockname()[1]
        return port


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Himari = Callable[..., Said]


@pytest.fixture(autouse=True)
def clean_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("HIMARI_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HIMARI_PORT", str(free_port()))


@pytest.fixture
def himari(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Himari:
    def say(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["himari", *words])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        assert (captured.out + captured.err).isascii()
        return Said(int(end.value.code or 0), captured.out, captured.err)

    return say
