"""What a container must not be able to do, read from inside and from the engine."""

import re
from typing import Any, Final

from tests.tools.stack.engine import Engine, StackBroken
from tests.tools.stack.stack import Stack

_STATUS: Final = "for each in /proc/[0-9]*/status; do cat $each; done"
_CAPABILITIES: Final = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
# Prints what of the listed is there: compilers, installers, and the package that trains.
_CONTENTS: Final = """
for name in cc gcc g++ clang ld make pip pip3; do command -v $name; done
for name in torch pip setuptools; do python3 -c "import $name; print('$name')" 2>/dev/null; done
find / -xdev -path '*site-packages/torch'
true
"""


def status_faults(status: str) -> list[str]:
    """Say what is wrong with the processes of a container.

    Parameters
    ----------
    status : str
        /proc/PID/status of all of them, one after another.
    """
    faults = ["no process was seen"] if "Uid:" not in status else []
    for name, value in re.findall(r"^(\w+):\t(.*)$", status, re.MULTILINE):
        if name == "Uid" and "0" in value.split():
            faults.append("a process runs as root")
        if name in _CAPABILITIES and int(value, 16):
            faults.append(f"a process has capabilities: {name} {value}")
        if name == "NoNewPrivs" and value != "1":
            faults.append("a process may gain privileges")
    return faults


def container_faults(stack: Stack, service: str) -> list[str]:
    """Say what is wrong with a running container."""
    name = stack.container(service)
    seen = stack.inspect(service)
    faults = status_faults(stack.engine.podman("exec", name, "sh", "-c", _STATUS))
    faults += _settings_faults(seen["HostConfig"])
    for folder in ("/", "/etc", "/usr/bin", "/opt"):
        wrote = f"touch {folder}/himari-test 2>/dev/null && echo wrote || true"
        if stack.engine.podman("exec", name, "sh", "-c", wrote):
            faults.append(f"{folder} is writable")
    return [f"{service}: {fault}" for fault in faults]


def _settings_faults(host: dict[str, Any]) -> list[str]:
    faults = [] if host["ReadonlyRootfs"] else ["the root is not read-only"]
    faults += [] if host["Memory"] > 0 else ["memory has no limit"]
    faults += [] if host["PidsLimit"] > 0 else ["processes have no limit"]
    bindings = [entry for entries in host["PortBindings"].values() for entry in entries or ()]
    faults += [
        f"port {entry['HostPort']} is open on {entry['HostIp'] or 'every address'}"
        for entry in bindings
        if entry["HostIp"] != "127.0.0.1"
    ]
    return faults


def refuse_tools(engine: Engine, image: str) -> None:
    """Look for what a serving image must not carry.

    Raises
    ------
    StackBroken
        With what was found.
    """
    words = ("run", "--rm", "--network=none", "--entrypoint=sh", image, "-c", _CONTENTS)
    if found := engine.podman(*words).split():
        raise StackBroken(f"{image} has {', '.join(found)}")
