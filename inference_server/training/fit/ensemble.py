r"""Transformers of one shape as one network, without the parts that do not reach the output.

A one-layer encoder that is read out at its last token needs one query a head. The keys and values
of the other tokens are then never needed themselves:

.. math:: q^\top (W_k y_t + b_k) = (W_k^\top q)^\top y_t + \text{const}, \qquad
   \sum_t a_t (W_v y_t + b_v) = W_v \sum_t a_t y_t + b_v

so all that is done for every token is its embedding and two products of its width. The parameters
of all Transformers lie side by side, and the whole costs the calls of one. The numbers are those
of :class:`~inference_server.training.fit.networks.TransformerLogit`, but for rounding.
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from inference_server.model.features import CHANNELS, STEPS
from inference_server.training.fit.networks import TransformerLogit

_PARTS: Final = (
    "embed", "embed_bias", "place", "norm1", "norm1_bias", "query", "query_bias", "value",
    "value_bias", "norm2", "norm2_bias", "wide", "wide_bias", "narrow", "narrow_bias", "context",
    "context_bias", "norm", "norm_bias", "mix", "mix_bias", "out", "out_bias",
)  # fmt: skip


class Ensemble(nn.Module):
    """The logits of S Transformers of one layer and one shape; frozen.

    Parameters
    ----------
    models : sequence of TransformerLogit

    Raises
    ------
    ValueError
        If there is none, or one has more than one layer.
    """

    def __init__(self, models: Sequence[TransformerLogit]) -> None:
        super().__init__()
        if not models or any(len(model.encoder.layers) != 1 for model in models):
            raise ValueError("an ensemble must be of Transformers of one layer each, had others")
        self.patch = models[0].patch
        self.heads: int = _layer(models[0]).self_attn.num_heads
        parts = [_parts(model) for model in models]
        for name in _PARTS:
            stacked = torch.stack([part[name] for part in parts]).float()
            self.register_buffer(name, stacked)

    def forward(self, features: Tensor, path: Tensor) -> Tensor:
        """Return logits (S, n) of features (n, F) and path (n, 64, C)."""
        return self.judge(self.read(path), self.embed_context(features))

    def read(self, path: Tensor) -> Tensor:
        """Embed the path (n, 64, C) alone, as (S, n, width)."""
        tokens = path.reshape(-1, STEPS // self.patch, self.patch * len(CHANNELS))
        # seen is of shape (S, n, tokens, width)
        seen = tokens @ self.embed[:, None] + (self.place + self.embed_bias[:, None])[:, None]
        normed = _normalise(seen, self.norm1[:, None, None], self.norm1_bias[:, None, None])
        last = normed[:, :, -1]
        width = last.shape[-1]
        asked = (last @ self.query + self.query_bias[:, None]).reshape(
            len(self.query), -1, self.heads, width
        )
        attention = torch.softmax(asked @ normed.transpose(2, 3), dim=-1)
        found = (attention @ normed).reshape(len(self.query), -1, self.heads * width)
        state = seen[:, :, -1] + found @ self.value + self.value_bias[:, None]
        inner = _normalise(state, self.norm2[:, None], self.norm2_bias[:, None])
        wide = torch.relu(inner @ self.wide + self.wide_bias[:, None])
        return state + wide @ self.narrow + self.narrow_bias[:, None]

    def embed_context(self, features: Tensor) -> Tensor:
        """Embed the features (n, F), as (S, n, width)."""
        return features @ self.context + self.context_bias[:, None]

    def judge(self, seen: Tensor, context: Tensor) -> Tensor:
        """Return logits (S, n) of the embedded path and features, (S, n, width) each."""
        joined = torch.cat([seen, context], dim=2)
        normed = _normalise(joined, self.norm[:, None], self.norm_bias[:, None])
        mixed = functional.gelu(normed @ self.mix + self.mix_bias[:, None])
        logits: Tensor = (mixed @ self.out + self.out_bias[:, None])[:, :, 0]
        return logits


def _normalise(values: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    # a plain number: the exporter takes no traced shape here
    width = int(weight.size(-1))
    return functional.layer_norm(values, (width,)) * weight + bias


def _layer(model: TransformerLogit) -> nn.TransformerEncoderLayer:
    layer = model.encoder.layers[0]
    assert isinstance(layer, nn.TransformerEncoderLayer)  # noqa: S101 - the encoder is made of them
    return layer


def _parts(model: TransformerLogit) -> dict[str, Tensor]:
    """Return the parameters of one Transformer, transposed and multiplied out, float64."""
    layer, attention = _layer(model), _layer(model).self_attn
    width, heads = attention.embed_dim, attention.num_heads
    inner = width // heads
    entered: Tensor = attention.in_proj_weight.double()
    entered_bias: Tensor = attention.in_proj_bias.double()
    query, key, value = entered.reshape(3, heads, inner, width)
    query_bias, _, value_bias = entered_bias.reshape(3, heads, inner)
    left = attention.out_proj.weight.double()
    scale = inner**-0.5
    per_head = left.reshape(width, heads, inner)
    return {
        "embed": model.embed.weight.double().T,
        "embed_bias": model.embed.bias.double(),
        "place": model.place.double(),
        "norm1": layer.norm1.weight.double(),
        "norm1_bias": layer.norm1.bias.double(),
        # (width, heads x width): from the last token to what each head looks for in a token
        "query": scale * torch.einsum("hiw,hiv->whv", query, key).reshape(width, -1),
        "query_bias": scale * torch.einsum("hi,hiv->hv", query_bias, key).reshape(-1),
        # (heads x width, width): from the mean token of each head to what is added
        "value": torch.einsum("ohi,hiw->hwo", per_head, value).reshape(-1, width),
        "value_bias": left @ value_bias.reshape(-1) + attention.out_proj.bias.double(),
        "norm2": layer.norm2.weight.double(),
        "norm2_bias": layer.norm2.bias.double(),
        "wide": layer.linear1.weight.double().T,
        "wide_bias": layer.linear1.bias.double(),
        "narrow": layer.linear2.weight.double().T,
        "narrow_bias": layer.linear2.bias.double(),
        "context": model.context.weight.double().T,
        "context_bias": model.context.bias.double(),
        "norm": model.norm.weight.double(),
        "norm_bias": model.norm.bias.double(),
        "mix": model.mix.weight.double().T,
        "mix_bias": model.mix.bias.double(),
        "out": model.out.weight.double().T,
        "out_bias": model.out.bias.double(),
    }
