"""The inference server in a process of its own, with one of the models of its folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import orjson

import app
from app.core.errors import HimariError
from app.core.types import JsonObject
from app.processes.service import running_service
from app.settings import INFERENCE_MODEL_DIR, inference_model_dir

APPLICATION: Final = "inference_server.main:app"
MODEL: Final = "HIMARI_INFERENCE_MODEL"


class ServerMissing(HimariError):
    """No inference server is installed, or none answers."""


@contextmanager
def running_inference_server(version: str = "") -> Iterator[tuple[str, JsonObject | None]]:
    """Run the inference server during the block; yields its ``/predict`` URL and model card.

    Parameters
    ----------
    version : str
        Version in the model folder; by default the one that the server chooses.

    Raises
    ------
    ServerMissing
        If the package of the server is not installed.
    ServiceNotReady
        If it does not become ready.
    """
    _package()
    settings = {MODEL: version} if version else {}
    folder = inference_model_dir()
    if folder is not None:
        # the process runs in another directory, where a relative path would differ
        settings[INFERENCE_MODEL_DIR] = str(folder.resolve())
    with running_service(settings, APPLICATION) as client:
        yield f"{client.base_url}".rstrip("/") + "/predict", read_model_card(client)


def model_folder() -> Path:
    """Return the folder of the models: the environment's, or the one shipped with the server.

    Raises
    ------
    ServerMissing
        If there is neither.
    """
    return inference_model_dir() or _package() / "models"


def read_model_card(client: httpx.Client) -> JsonObject | None:
    """Return the answer of ``GET /model``; None where a server has none.

    Raises
    ------
    httpx.HTTPError
        If nothing answers.
    """
    answer = client.get("/model")
    if answer.status_code != httpx.codes.OK:
        return None
    try:
        card = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return None
    return card if isinstance(card, dict) else None


def _package() -> Path:
    # found by its path and never imported: the two applications share no code
    folder = Path(app.__file__).resolve().parent.parent / APPLICATION.partition(".")[0]
    if not (folder / "main.py").is_file():
        raise ServerMissing("the package inference_server is not installed beside the service")
    return folder
