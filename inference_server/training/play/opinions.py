"""What a fitted model says day by day to a portfolio that holds what it has made of it.

All features of a tape but those of the held position are known beforehand: the encoders run once
over whole stretches, and a day costs two small products. The same numbers come out of the exported
graph; a test plays both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference_server.model.features import FEATURES, held_features
from inference_server.training.fit.ensemble import Ensemble
from inference_server.training.fit.networks import TransformerLogit, multiplier_of
from inference_server.training.fit.walk_forward import Fitted
from inference_server.training.play.served_torch import TensorTape
from inference_server.training.play.tape import Array, Tape

_HELD: Final = [FEATURES.index("held"), FEATURES.index("held_squared")]
# rows of the encoder at once
_AT_ONCE: Final = 4096


class Opinion:
    """One fitted case over ``rows`` of a tape; called with a row and what is held then.

    Parameters
    ----------
    tape : Tape
    tensors : TensorTape
        The same as tensors.
    fitted : Fitted
    rows : slice
        Days that may be asked for.
    asked : bool ndarray of shape (T, N) over the whole tape
        Where there is an opinion.
    with_transformer : bool
        False: the linear part alone.
    """

    def __init__(
        self,
        tape: Tape,
        tensors: TensorTape,
        fitted: Fitted,
        *,
        rows: slice,
        asked: NDArray[np.bool_],
        with_transformer: bool,
    ) -> None:
        self._tape, self._start = tape, rows.start
        self._asked = asked[rows]
        bare = tensors.features[rows].clone()
        bare[:, :, _HELD] = 0.0
        with torch.no_grad():
            self._linear = fitted.linear(bare)
        self._held_weight = fitted.linear.weight[_HELD]
        self._added = None
        if with_transformer and fitted.transformers:
            self._added = _Reader.of(fitted.transformers, bare, tensors.path[rows], self._asked)
        self._scale = fitted.scale

    def __call__(self, row: int, held: Array) -> Array:
        """Multipliers (N,); 1 where there is no opinion."""
        day = row - self._start
        asked = self._asked[day]
        said = np.ones(len(asked))
        if not asked.any():
            return said
        excess = held_features(self._tape.baseline[row], held)
        own = torch.from_numpy(np.stack(excess, axis=1)[asked].astype(np.float32))
        with torch.no_grad():
            logit = self._linear[day][asked] + own @ self._held_weight
            if self._added is not None:
                logit = logit + self._scale * self._added.logit(day, own)
            said[asked] = multiplier_of(logit).numpy()
        return said


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    """Transformers with all of their input read but the held position."""

    ensemble: Ensemble
    seen: Tensor
    context: Tensor
    begins: NDArray[np.intp]

    @staticmethod
    def of(
        models: Sequence[TransformerLogit],
        bare: Tensor,
        path: NDArray[np.float16],
        asked: NDArray[np.bool_],
    ) -> "_Reader":
        ensemble = Ensemble(models)
        rows = torch.from_numpy(path[asked]).split(_AT_ONCE)
        with torch.no_grad():
            seen = [ensemble.read(part.float()) for part in rows]
            context = ensemble.embed_context(bare[torch.from_numpy(asked)])
        begins = np.concatenate([[0], np.cumsum(asked.sum(axis=1))])
        return _Reader(ensemble, torch.cat(seen, dim=1), context, begins)

    def logit(self, day: int, own: Tensor) -> Tensor:
        """Mean logits of a day's rows, (n,), of the features ``held`` (n, 2)."""
        part = slice(int(self.begins[day]), int(self.begins[day + 1]))
        context = self.context[:, part] + own @ self.ensemble.context[:, _HELD]
        return self.ensemble.judge(self.seen[:, part], context).mean(0)
