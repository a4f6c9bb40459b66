"""The naive server with ONNX Runtime, one thread."""

import os

import onnxruntime

from tests.tools.bench.inference_naive import STORE, Run, naive_app


def onnx_run() -> Run:
    """Load the graph that the environment names."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        os.environ[STORE], options, providers=["CPUExecutionProvider"]
    )
    outputs = ["multiplier", "log_volatility", "hit_logit"]
    return lambda fed: tuple(session.run(outputs, dict(fed)))


app = naive_app(onnx_run())
