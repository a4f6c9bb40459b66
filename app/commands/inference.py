"""``himari inference``: the inference server in the place of this process."""

from typing import NoReturn

from app.commands.launch import PACKAGE, replace_process


def inference(host: str | None, port: int | None) -> NoReturn:
    """Start the inference server; what is not given is left to ``HIMARI_INFERENCE_`` variables.

    Raises
    ------
    CommandRefused
        If it is not installed beside the service.
    """
    given = {"HOST": host, "PORT": None if port is None else str(port)}
    variables = {
        f"HIMARI_INFERENCE_{name}": value for name, value in given.items() if value is not None
    }
    replace_process(PACKAGE, (), variables)
