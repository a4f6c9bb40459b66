"""The naive server with torch eager, one thread: one case's network, of random weights."""

import os
from typing import Any

import torch

from inference_server.training.networks import (
    LinearLogit,
    NetworkParams,
    TransformerLogit,
    multiplier_of,
)
from tests.bench.inference_naive import Arrays, Run, naive_app

TRANSFORMERS = "HIMARI_BENCH_TRANSFORMERS"


def torch_run() -> Run:
    """Build the network."""
    torch.set_num_threads(1)
    count = int(os.environ[TRANSFORMERS])
    linear, volatility, hit = (LinearLogit().eval() for _ in range(3))
    added = [TransformerLogit(NetworkParams()).eval() for _ in range(count)]

    def run(fed: Arrays) -> tuple[Any, Any, Any]:
        features, path = torch.from_numpy(fed["features"]), torch.from_numpy(fed["path"])
        with torch.inference_mode():
            logit = linear(features)
            if added:
                logit = logit + torch.stack([part(features, path) for part in added]).mean(0)
            multiplier = multiplier_of(logit).numpy()
            return multiplier, volatility(features).numpy(), hit(features).numpy()

    return run


app = naive_app(torch_run())
