"""Transformers side by side say what each of them says."""

import pytest
import torch
from torch import nn

from inference_server.model.features import CHANNELS, FEATURES, STEPS
from inference_server.training.fit.ensemble import Ensemble
from inference_server.training.fit.networks import NetworkParams, TransformerLogit


def drawn(seed: int, params: NetworkParams) -> TransformerLogit:
    """Draw every parameter, norms and biases included."""
    torch.manual_seed(seed)
    model = TransformerLogit(params).eval()
    with torch.no_grad():
        for value in model.parameters():
            value.normal_(0.0, 0.4)
    return model.requires_grad_(requires_grad=False)


@pytest.mark.parametrize("rows", [1, 2, 33])
@pytest.mark.parametrize(
    "params", [NetworkParams(), NetworkParams(width=8, heads=2, patch=8)], ids=["shipped", "small"]
)
def test_each_member_answers_what_it_answers_alone(params: NetworkParams, rows: int) -> None:
    models = [drawn(seed, params) for seed in range(3)]
    torch.manual_seed(rows)
    features, path = torch.randn(rows, len(FEATURES)), torch.randn(rows, STEPS, len(CHANNELS))
    alone = torch.stack([model(features, path) for model in models])
    together = Ensemble(models)(features, path)
    assert together.shape == (3, rows)
    assert float(alone.std()) > 0.1
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)


def test_two_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="of one layer each, had others"):
        Ensemble([drawn(0, NetworkParams(layers=2))])


def test_no_model_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="of one layer each, had others"):
        Ensemble([])


def test_nothing_of_it_is_trained() -> None:
    ensemble: nn.Module = Ensemble([drawn(0, NetworkParams())])
    assert list(ensemble.parameters()) == []
