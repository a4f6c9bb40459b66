"""BentoML with the naive server's model, one worker."""

from typing import Any

import bentoml  # type: ignore[import-not-found, unused-ignore] # a peer's own place

from inference_server.api.schemas import SignalBody
from tests.tools.bench.inference_naive import answer
from tests.tools.bench.inference_onnx_app import onnx_run


@bentoml.service(workers=1)
class Policy:
    """One endpoint, ``POST /predict`` with the signal in its field ``signal``."""

    def __init__(self) -> None:
        self.run = onnx_run()

    @bentoml.api  # type: ignore[untyped-decorator, unused-ignore] # same
    def predict(self, signal: SignalBody) -> dict[str, Any]:
        """Run the model."""
        return answer(signal, self.run)
