"""The one place that knows which function sets up which kind of model.

A kind is imported when the first model of it is loaded: what a model does not need, a server that
does not serve it never imports.
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


def setup_of(kind: str, kinds: Kinds = KINDS) -> Setup:
    """Find the ``setup`` of a kind.

    Raises
    ------
    ModelRefused
        If this server does not know the kind, or lacks what it needs.
    """
    place = kinds.get(kind)
    if place is None:
        raise ModelRefused(f"kind must be one of {', '.join(kinds)}, was {kind[:100]!r}")
    if not isinstance(place, str):
        return place
    module, _, name = place.partition(":")
    try:
        return cast("Setup", getattr(import_module(module), name))
    except ImportError as error:
        raise ModelRefused(f"kind {kind} needs what is not installed: {error}") from error
