"""``himari train``: the training in the place of this process."""

from collections.abc import Sequence
from typing import NoReturn

from app.commands.launch import PACKAGE, replace_process


def train(arguments: Sequence[str]) -> NoReturn:
    """Pass every argument on to the training.

    Raises
    ------
    CommandRefused
        If it is not installed beside the service.
    """
    replace_process(f"{PACKAGE}.training", arguments)
