"""The naive server with torch eager, one thread: one case's network, of random weights."""

import os
from typing import Any

import torch

from inference_server.training.fit.heads import HeadParams, PriceLogit
from inference_server.training.fit.networks import (
    LinearLogit,
    NetworkParams,
    TransformerLogit,
    multiplier_of,
)
from inference_server.training.fit.unsided import unsided_features
from tests.tools.bench.inference_naive import Arrays, Run, naive_app

TRANSFORMERS = "HIMARI_BENCH_TRANSFORMERS"


def torch_run() -> Run:
    """Build the network."""
    torch.set_num_threads(1)
    count = int(os.environ[TRANSFORMERS])
    linear = LinearLogit().eval()
    params = HeadParams()
    volatility, rise = PriceLogit(params.hidden * params.seeds).eval(), PriceLogit(0).eval()
    added = [TransformerLogit(NetworkParams()).eval() for _ in range(count)]

    def run(fed: Arrays) -> tuple[Any, Any, Any]:
        features, path = torch.from_numpy(fed["features"]), torch.from_numpy(fed["path"])
        side = torch.from_numpy(fed["side"])
        with torch.inference_mode():
            logit = linear(features)
            if added:
                logit = logit + torch.stack([part(features, path) for part in added]).mean(0)
            multiplier = multiplier_of(logit).numpy()
            plain = unsided_features(features, side)
            return multiplier, volatility(plain).numpy(), (side * rise(plain)).numpy()

    return run


app = naive_app(torch_run())
