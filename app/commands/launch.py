"""Hand this process over to a module of the inference server, which is never imported here."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

import app
from app.commands.refusal import CommandRefused

PACKAGE: Final = "inference_server"


def replace_process(
    module: str, arguments: Sequence[str] = (), variables: Mapping[str, str] | None = None
) -> NoReturn:
    """Replace this process by ``python -m module``: its signals and exit code are the module's.

    Parameters
    ----------
    module : str
        A module of the inference server.
    arguments : sequence of str
    variables : mapping of str to str, optional
        Added to the environment.

    Raises
    ------
    CommandRefused
        If the module is not there.
    """
    root = Path(app.__file__).resolve().parent.parent
    # asked of the files: finding the module would import its package
    if not (root.joinpath(*module.split("."), "__main__.py")).is_file():
        raise CommandRefused(f"{module} is not installed beside the service")
    paths = [str(root), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        **(variables or {}),
    }
    command = [sys.executable, "-m", module, *arguments]
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own interpreter
