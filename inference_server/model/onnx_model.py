"""One ONNX file behind ONNX Runtime: float32 rows in, named columns out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort

from inference_server.errors import ModelRefused
from inference_server.model.policy import Arrays

_FLOAT: Final = "tensor(float)"
# one row, and a number that no shape of a graph is likely to be fixed to
_TRIALS: Final = (1, 3)
_ERRORS_ONLY: Final = 3


class OnnxModel:
    """A session on the CPU, one thread unless told otherwise.

    Parameters
    ----------
    path : Path
    threads : int
        For the arithmetic of one run, count.

    Attributes
    ----------
    inputs : frozenset of names that the graph asks for
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
            Exactly the names that the graph asks for.

        Returns
        -------
        mapping of name to ndarray, float32
        """
        return dict(zip(self._outputs, self._session.run(self._outputs, dict(inputs)), strict=True))

    def refuse_unless(self, widths: Mapping[str, tuple[int, ...]], columns: frozenset[str]) -> None:
        """Hold the graph to what is asked of it, and try it on rows of zeros.

        Parameters
        ----------
        widths : mapping of name to shape without the rows
            Inputs that it may ask for.
        columns : names that it must put out, each of shape (k,), float32, finite

        Raises
        ------
        ModelRefused
            If it is another graph.
        """
        if not self.inputs or not self.inputs <= set(widths):
            asked = ", ".join(sorted(self.inputs)) or "nothing"
            raise ModelRefused(f"model.onnx may ask for {', '.join(widths)}, asks for {asked}")
        if set(self._outputs) != columns:
            raise ModelRefused(
                f"model.onnx must put out {', '.join(sorted(columns))}, "
                f"was {', '.join(sorted(self._outputs))}"
            )
        for node in (*self._session.get_inputs(), *self._session.get_outputs()):
            if node.type != _FLOAT:
                raise ModelRefused(f"{node.name} of model.onnx must be {_FLOAT}, was {node.type}")
        for rows in _TRIALS:
            self._try_out(rows, widths)

    def _try_out(self, rows: int, widths: Mapping[str, tuple[int, ...]]) -> None:
        zeros = {name: np.zeros((rows, *widths[name]), np.float32) for name in self.inputs}
        for name, values in self.run(zeros).items():
            if values.shape != (rows,):
                raise ModelRefused(f"{name} of {rows} rows must be ({rows},), was {values.shape}")
            if not np.isfinite(values).all():
                raise ModelRefused(f"{name} of rows of zeros must be finite, was {values[0]}")
