"""Whether a request came from this machine.

Three things must be loopback: the address that was reached, the caller's address (a proxy on
this machine reports it), and the Host header (a page may have pointed its own name at this
machine: DNS rebinding). A request without an IP address, as under a Unix socket or in a test,
came through no network.
"""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

from starlette.types import Scope

_LOCAL_NAME: Final = "localhost"


def remote_reason(scope: Scope) -> str | None:
    """Return why a request may have come from another machine; None if it came from this one."""
    for role in ("server", "client"):
        address = scope.get(role)
        if address is not None and is_remote_address(address[0]):
            return f"the {role}'s address is {address[0]}"
    server = scope.get("server")
    if server is None or not is_ip_address(server[0]):
        return None
    for name, value in scope["headers"]:
        if name == b"host" and not _is_local(value):
            return "the Host header names something else"
    return None


def is_local_host(host: str) -> bool:
    """Return whether a Host header is localhost or a loopback address."""
    name = host_name(host).rstrip(".")
    if name == _LOCAL_NAME or name.endswith(f".{_LOCAL_NAME}"):
        return True
    return is_ip_address(name) and not is_remote_address(name)


def host_name(host: str) -> str:
    """Return the host of ``host:port`` in lower case, without brackets."""
    text = host.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]


def is_ip_address(text: str) -> bool:
    """Return whether a text is an IP address."""
    return _is_loopback(text) is not None


def is_remote_address(text: str) -> bool:
    """Return whether a text is an IP address that is not loopback."""
    return _is_loopback(text) is False


@lru_cache(maxsize=256)
def _is_local(host: bytes) -> bool:
    return is_local_host(host.decode("latin-1"))


@lru_cache(maxsize=256)
def _is_loopback(text: str) -> bool | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
