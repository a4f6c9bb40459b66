"""The kinds of model, each with the function that sets it up.

A kind is imported when its first model is loaded, so a server imports nothing that its models do
not need.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Final, cast

from inference_server.errors import ModelRefused
from inference_server.model.policy import Setup

Kinds = Mapping[str, str | Setup]

KINDS: Final[Kinds] = {
    "dummy": "inference_server.model.dummy:setup",
    "multiplier": "inference_server.model.multiplier:setup",
}


def find_setup(kind: str, kinds: Kinds = KINDS) -> Setup:
    """Return the ``setup`` of a kind.

    Raises
    ------
    ModelRefused
        If this server does not know the kind, or lacks what it needs.
    """
    found = kinds.get(kind)
    if found is None:
        raise ModelRefused(f"kind must be one of {', '.join(kinds)}, was {kind[:100]!r}")
    if not isinstance(found, str):
        return found
    module, _, name = found.partition(":")
    try:
        return cast("Setup", getattr(import_module(module), name))
    except ImportError as error:
        raise ModelRefused(f"kind {kind} needs what is not installed: {error}") from error
