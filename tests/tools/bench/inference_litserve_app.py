"""LitServe with the naive server's model, one worker."""

import os
from typing import Any

import litserve as ls  # type: ignore[import-not-found, unused-ignore] # a peer's own place

from inference_server.api.schemas import SignalBody
from tests.tools.bench.inference_naive import answer
from tests.tools.bench.inference_onnx_app import onnx_run


class PolicyApi(ls.LitAPI):  # type: ignore[misc, unused-ignore] # same
    """The four verbs."""

    def setup(self, device: str) -> None:
        """Load the graph."""
        del device
        self.run = onnx_run()

    def decode_request(self, request: dict[str, Any]) -> SignalBody:
        """Validate."""
        return SignalBody(**request)

    def predict(self, x: SignalBody) -> dict[str, Any]:
        """Run the model."""
        return answer(x, self.run)

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        """Hand it on."""
        return output


if __name__ == "__main__":
    server = ls.LitServer(PolicyApi(), accelerator="cpu", workers_per_device=1)
    server.run(port=int(os.environ["HIMARI_BENCH_PORT"]), generate_client_file=False)
