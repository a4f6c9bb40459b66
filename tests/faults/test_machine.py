"""What the kernel reports of a process, checked on this one."""

import os
from pathlib import Path

from tests.tools.chaos.machine import (
    forget_peak,
    open_files,
    peak_bytes,
    resident_bytes,
    withheld_sec,
)

MEGABYTE = 1024 * 1024


def test_the_peak_remembers_what_was_held_for_a_moment_until_it_is_forgotten() -> None:
    me = os.getpid()
    forget_peak(me)
    before = peak_bytes(me)
    held = bytearray(os.urandom(MEGABYTE) * 40)
    assert resident_bytes(me) - before > 30 * MEGABYTE
    del held
    assert peak_bytes(me) - before > 30 * MEGABYTE
    forget_peak(me)
    assert peak_bytes(me) - before < 30 * MEGABYTE


def test_an_open_file_is_counted(tmp_path: Path) -> None:
    before = open_files(os.getpid())
    with (tmp_path / "file").open("w"):
        assert open_files(os.getpid()) == before + 1
    assert open_files(os.getpid()) == before


def test_what_was_withheld_only_grows() -> None:
    before = withheld_sec(os.getpid())
    assert 0.0 <= before <= withheld_sec(os.getpid())
