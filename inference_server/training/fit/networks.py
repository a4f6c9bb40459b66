r"""Multipliers: :math:`m = 2\,\sigma(\text{linear}(x) + \text{Transformer}(x))`.

Both heads are zero at the start, so an untrained model is Phase 2. ``logit`` is what is added up,
over seeds as well. The Transformer reads the last 64 days in patches of four, so that a symbol
costs sixteen tokens.

References
----------
.. [1] Vaswani et al. (2017), "Attention Is All You Need", section 3.
.. [2] Nie et al. (2023), "A Time Series is Worth 64 Words: Long-term Forecasting with
   Transformers", section 3.1.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from inference_server.model.features import CHANNELS, FEATURES, STEPS


@dataclass(frozen=True, slots=True)
class NetworkParams:
    """Shape of the Transformer; ``patch`` days make one token."""

    width: int = 16
    heads: int = 4
    layers: int = 1
    patch: int = 4
    dropout: float = 0.1


class LinearLogit(nn.Module):
    """A logit linear in the features."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(len(FEATURES)))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (...,) of features (..., F)."""
        return features @ self.weight + self.bias


class TransformerLogit(nn.Module):
    """A small encoder over the path, joined with the features; its logit starts at 0."""

    def __init__(self, params: NetworkParams) -> None:
        super().__init__()
        tokens = STEPS // params.patch
        self.patch = params.patch
        self.embed = nn.Linear(params.patch * len(CHANNELS), params.width)
        self.place = nn.Parameter(0.1 * torch.randn(tokens, params.width))
        layer = nn.TransformerEncoderLayer(
            params.width,
            params.heads,
            2 * params.width,
            params.dropout,
            batch_first=True,
            norm_first=True,
        )
        self.encoder = nn.TransformerEncoder(layer, params.layers, enable_nested_tensor=False)
        self.context = nn.Linear(len(FEATURES), params.width)
        self.norm = nn.LayerNorm(2 * params.width)
        self.mix = nn.Linear(2 * params.width, params.width)
        self.out = nn.Linear(params.width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Tensor, path: Tensor) -> Tensor:
        """Return logits (n,) of features (n, F) and path (n, 64, C)."""
        return self.judge(self.read(path), self.context(features))

    def read(self, path: Tensor) -> Tensor:
        """Embed the path (n, 64, C) alone, as (n, width)."""
        tokens = path.reshape(path.shape[0], STEPS // self.patch, self.patch * len(CHANNELS))
        seen: Tensor = self.encoder(self.embed(tokens) + self.place)[:, -1]
        return seen

    def judge(self, seen: Tensor, context: Tensor) -> Tensor:
        """Return logits (n,) of the embedded path and features, (n, width) each."""
        joined = torch.cat([seen, context], dim=1)
        mixed = torch.nn.functional.gelu(self.mix(self.norm(joined)))
        logits: Tensor = self.out(mixed)[:, 0]
        return logits


def multiplier_of(logit: Tensor) -> Tensor:
    """Return the multiplier of a logit, in (0, 2); 1 at logit 0."""
    return 2.0 * torch.sigmoid(logit)
