"""Multipliers of a fitted model day by day, given the position held.

All features of a tape but those of the held position are known beforehand: the encoders run once
over whole stretches, and a day costs two small products. A test plays the exported graph over the
same days and finds the same numbers.
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
from inference_server.training.fit.walk_forward import FittedCase
from inference_server.training.play.served_torch import TensorTape
from inference_server.training.play.tape import Array, Tape

_HELD: Final = [FEATURES.index("held"), FEATURES.index("held_squared")]
# rows of the encoder at once
_AT_ONCE: Final = 4096


class FittedPolicy:
    """Multipliers of one fitted case; called with a row of the tape and the weights held then.

    Parameters
    ----------
    tape : Tape
    tensors : TensorTape
        The same as tensors.
    fitted : FittedCase
    rows : slice
        Days that it may be called for.
    active : bool ndarray of shape (T, N) over the whole tape
        Where the model acts.
    with_transformer : bool
        False: the linear part alone.
    """

    def __init__(
        self,
        tape: Tape,
        tensors: TensorTape,
        fitted: FittedCase,
        *,
        rows: slice,
        active: NDArray[np.bool_],
        with_transformer: bool,
    ) -> None:
        self._tape, self._start = tape, rows.start
        self._active = active[rows]
        bare = tensors.features[rows].clone()
        bare[:, :, _HELD] = 0.0
        with torch.no_grad():
            self._linear = fitted.linear(bare)
        self._held_weight = fitted.linear.weight[_HELD]
        self._added = None
        if with_transformer and fitted.transformers:
            self._added = _EncodedTape.of(
                fitted.transformers, bare, tensors.path[rows], self._active
            )
        self._scale = fitted.scale

    def __call__(self, row: int, held: Array) -> Array:
        """Return multipliers (N,); 1 where the model does not act."""
        day = row - self._start
        active = self._active[day]
        multipliers = np.ones(len(active))
        if not active.any():
            return multipliers
        excess = held_features(self._tape.baseline[row], held)
        own = torch.from_numpy(np.stack(excess, axis=1)[active].astype(np.float32))
        with torch.no_grad():
            logit = self._linear[day][active] + own @ self._held_weight
            if self._added is not None:
                logit = logit + self._scale * self._added.logit(day, own)
            multipliers[active] = multiplier_of(logit).numpy()
        return multipliers


@dataclass(frozen=True, slots=True, eq=False)
class _EncodedTape:
    """Transformers whose input is encoded, but for the held position."""

    ensemble: Ensemble
    seen: Tensor
    context: Tensor
    begins: NDArray[np.intp]

    @staticmethod
    def of(
        models: Sequence[TransformerLogit],
        bare: Tensor,
        path: NDArray[np.float16],
        active: NDArray[np.bool_],
    ) -> "_EncodedTape":
        ensemble = Ensemble(models)
        rows = torch.from_numpy(path[active]).split(_AT_ONCE)
        with torch.no_grad():
            seen = [ensemble.read(part.float()) for part in rows]
            context = ensemble.embed_context(bare[torch.from_numpy(active)])
        begins = np.concatenate([[0], np.cumsum(active.sum(axis=1))])
        return _EncodedTape(ensemble, torch.cat(seen, dim=1), context, begins)

    def logit(self, day: int, own: Tensor) -> Tensor:
        """Return the mean logits (n,) of a day's rows, given the features ``held`` (n, 2)."""
        part = slice(int(self.begins[day]), int(self.begins[day + 1]))
        context = self.context[:, part] + own @ self.ensemble.context[:, _HELD]
        return self.ensemble.judge(self.seen[:, part], context).mean(0)
