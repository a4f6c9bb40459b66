"""What is read out of a container's processes."""

from typing import Final

import pytest

from tests.tools.stack.hardening import status_faults

WELL: Final = (
    "Name:\thimari\nUid:\t10001\t10001\t10001\t10001\nNoNewPrivs:\t1\n"
    "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
    "CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\n"
)


def test_a_process_without_any_right_is_no_fault() -> None:
    assert status_faults(WELL + WELL) == []


@pytest.mark.parametrize(
    ("was", "instead", "fault"),
    [
        ("Uid:\t10001\t10001", "Uid:\t10001\t0", "a process runs as root"),
        ("NoNewPrivs:\t1", "NoNewPrivs:\t0", "a process may gain privileges"),
        ("CapBnd:\t0000000000000000", "CapBnd:\t00000000a80425fb",
         "a process has capabilities: CapBnd 00000000a80425fb"),
    ],
)  # fmt: skip
def test_one_process_with_a_right_among_others_is_found(was: str, instead: str, fault: str) -> None:
    assert status_faults(WELL + WELL.replace(was, instead) + WELL) == [fault]


def test_a_container_that_shows_no_process_is_not_believed() -> None:
    assert status_faults("") == ["no process was seen"]
