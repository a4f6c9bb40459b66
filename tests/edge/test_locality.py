"""Whether a request came from this machine."""

import socket
from typing import Any

import pytest

from edge.locality import host_name, is_local_host, remote_reason

HERE = ("127.0.0.1", 8000)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, None),
        ({"server": ("10.0.0.5", 80)}, "the server's address is 10.0.0.5"),
        ({"client": ("10.0.0.9", 1)}, "the client's address is 10.0.0.9"),
        ({"headers": [(b"host", b"evil.example")]}, "the Host header names something else"),
        ({"server": None, "headers": [(b"host", b"evil.example")]}, None),
    ],
)
def test_the_reason_names_what_may_be_elsewhere(changed: dict[str, Any], why: str | None) -> None:
    scope = {"server": HERE, "client": HERE, "headers": [(b"host", b"localhost")]}
    assert remote_reason(scope | changed) == why


@pytest.mark.parametrize(
    ("host", "name"),
    [("A.b:80", "a.b"), ("[::1]:8000", "::1"), ("[::1]", "::1"), (" x ", "x"), ("", "")],
)
def test_the_name_of_a_host_is_read_without_its_port(host: str, name: str) -> None:
    assert host_name(host) == name


def test_an_empty_host_is_not_local() -> None:
    assert not is_local_host("")
    assert is_local_host(socket.inet_ntoa(b"\x7f\x00\x00\x01"))
