"""One ONNX file behind ONNX Runtime: float32 rows in, named outputs out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort

from inference_server.errors import ModelRefused
from inference_server.model.policy import Arrays

_FLOAT: Final = "tensor(float)"
# one row, and a number that no shape of a graph is likely to be fixed to
_TRIAL_ROWS: Final = (1, 3)
_ERRORS_ONLY: Final = 3


class OnnxModel:
    """An ONNX Runtime session on the CPU.

    Parameters
    ----------
    path : Path
    threads : int
        For the arithmetic of one run, count.

    Attributes
    ----------
    inputs : frozenset of names of the graph's inputs
    """

    def __init__(self, path: Path, threads: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        # a thread that spins takes a core from the event loop
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.inputs = frozenset(node.name for node in self._session.get_inputs())
        self._outputs = [node.name for node in self._session.get_outputs()]

    def run(self, inputs: Arrays) -> Arrays:
        """Run k rows.

        Parameters
        ----------
        inputs : mapping of name to ndarray with k leading rows, float32
            Exactly the names of the graph's inputs.

        Returns
        -------
        mapping of name to ndarray, float32
        """
        return dict(zip(self._outputs, self._session.run(self._outputs, dict(inputs)), strict=True))

    def check_signature(
        self, shapes: Mapping[str, tuple[int, ...]], outputs: frozenset[str]
    ) -> None:
        """Check the names and types of inputs and outputs, and run rows of zeros.

        Parameters
        ----------
        shapes : mapping of name to shape without the rows
            Inputs that it may have.
        outputs : names of the outputs that it must have, each of shape (k,), float32, finite

        Raises
        ------
        ModelRefused
            If a name, type or shape differs, or an output is not finite.
        """
        if not self.inputs or not self.inputs <= set(shapes):
            asked = ", ".join(sorted(self.inputs)) or "nothing"
            raise ModelRefused(f"model.onnx may ask for {', '.join(shapes)}, asks for {asked}")
        if set(self._outputs) != outputs:
            raise ModelRefused(
                f"model.onnx must put out {', '.join(sorted(outputs))}, "
                f"was {', '.join(sorted(self._outputs))}"
            )
        for node in (*self._session.get_inputs(), *self._session.get_outputs()):
            if node.type != _FLOAT:
                raise ModelRefused(f"{node.name} of model.onnx must be {_FLOAT}, was {node.type}")
        for rows in _TRIAL_ROWS:
            self._check_zeros(rows, shapes)

    def _check_zeros(self, rows: int, shapes: Mapping[str, tuple[int, ...]]) -> None:
        zeros = {name: np.zeros((rows, *shapes[name]), np.float32) for name in self.inputs}
        for name, values in self.run(zeros).items():
            if values.shape != (rows,):
                raise ModelRefused(f"{name} of {rows} rows must be ({rows},), was {values.shape}")
            if not np.isfinite(values).all():
                raise ModelRefused(f"{name} of rows of zeros must be finite, was {values[0]}")
