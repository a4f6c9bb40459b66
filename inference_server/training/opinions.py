"""What a fitted model says day by day to a portfolio that holds what it has made of it.

All features of a tape but those of the held position are known beforehand: the encoders run once
over whole stretches, and a day costs two small products. The same numbers come out of the exported
graph; a test plays both.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference_server.model.features import FEATURES, held_features
from inference_server.training.networks import TransformerLogit, multiplier_of
from inference_server.training.served_torch import Play
from inference_server.training.tape import Array, Tape
from inference_server.training.walk_forward import Fitted

_HELD: Final = [FEATURES.index("held"), FEATURES.index("held_squared")]
# rows of the encoder at once
_AT_ONCE: Final = 4096


class Opinion:
    """One fitted case over ``rows`` of a tape; called with a row and what is held then.

    Parameters
    ----------
    tape : Tape
    play : Play
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
        play: Play,
        fitted: Fitted,
        *,
        rows: slice,
        asked: NDArray[np.bool_],
        with_transformer: bool,
    ) -> None:
        self._tape, self._start = tape, rows.start
        self._asked = asked[rows]
        bare = play.features[rows].clone()
        bare[:, :, _HELD] = 0.0
        with torch.no_grad():
            self._linear = fitted.linear(bare)
        self._held_weight = fitted.linear.weight[_HELD]
        self._added = None
        if with_transformer and fitted.transformers:
            path = play.path[rows]
            self._added = [
                _Reader.of(model, bare, path, self._asked) for model in fitted.transformers
            ]
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
                added = torch.stack([reader.logit(day, own) for reader in self._added]).mean(0)
                logit = logit + self._scale * added
            said[asked] = multiplier_of(logit).numpy()
        return said


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    """A Transformer with all of its input read but the held position."""

    model: TransformerLogit
    seen: Tensor
    context: Tensor
    begins: NDArray[np.intp]

    @staticmethod
    def of(
        model: TransformerLogit, bare: Tensor, path: NDArray[np.float16], asked: NDArray[np.bool_]
    ) -> "_Reader":
        rows = torch.from_numpy(path[asked]).split(_AT_ONCE)
        with torch.no_grad():
            seen = [model.read(part.float()) for part in rows]
            context = model.context(bare[torch.from_numpy(asked)])
        begins = np.concatenate([[0], np.cumsum(asked.sum(axis=1))])
        return _Reader(model, torch.cat(seen), context, begins)

    def logit(self, day: int, own: Tensor) -> Tensor:
        part = slice(int(self.begins[day]), int(self.begins[day + 1]))
        context = self.context[part] + own @ self.model.context.weight[:, _HELD].T
        return self.model.judge(self.seen[part], context)
