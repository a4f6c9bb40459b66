"""FittedCase models of random weights, and tapes made up without the service."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from inference_server.model.features import CHANNELS, FEATURES, STEPS
from inference_server.training.export import CASES, CardText, export_version
from inference_server.training.fit.heads import Heads, PriceLogit
from inference_server.training.fit.networks import LinearLogit, NetworkParams, TransformerLogit
from inference_server.training.fit.walk_forward import FittedCase
from inference_server.training.play.served_torch import TensorTape, to_tensors
from inference_server.training.play.tape import Tape

# two threads on contended cores cost more than they save
torch.set_num_threads(1)

SMALL = NetworkParams(width=8, heads=2)
CAPS = {
    "max_position_pct": 0.15,
    "max_strategy_pct": 0.40,
    "max_portfolio_pct": 0.80,
    "allow_short": True,
}


def drawn_linear(seed: int, spread: float = 0.1) -> LinearLogit:
    """Draw a linear part."""
    model = LinearLogit()
    drawn = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        model.weight.normal_(0.0, spread, generator=drawn)
        model.bias.fill_(0.1)
    model.requires_grad_(requires_grad=False)
    return model


def drawn_transformer(seed: int) -> TransformerLogit:
    """Draw a Transformer."""
    torch.manual_seed(seed)
    model = TransformerLogit(SMALL)
    model.eval()
    with torch.no_grad():
        model.out.weight.normal_(0.0, 0.3)
    model.requires_grad_(requires_grad=False)
    return model


def drawn_heads(seed: int) -> Heads:
    """Draw both forecasts."""
    torch.manual_seed(seed)
    heads = Heads(PriceLogit(6), PriceLogit(0))
    with torch.no_grad():
        for model in (heads.volatility, heads.rise):
            for value in model.parameters():
                value.normal_(0.0, 0.05)
            model.requires_grad_(requires_grad=False)
    return heads


def drawn_fitted(seed: int, heads: Heads | None = None) -> FittedCase:
    """Draw one case."""
    heads = heads or drawn_heads(seed + 10)
    networks = (drawn_transformer(seed), drawn_transformer(seed + 1))
    return FittedCase(drawn_linear(seed), networks, 0.5, heads)


def drawn_cases() -> dict[str, FittedCase]:
    """Draw both cases, unlike each other but for the forecasts."""
    heads = drawn_heads(7)
    return {case: drawn_fitted(100 * place, heads) for place, case in enumerate(CASES)}


def publish(
    store: Path, cases: dict[str, FittedCase], alpha: float = 1.0, *, with_transformer: bool = True
) -> float:
    """Export to ``store/drawn-1`` and name it the current version; features may be within +-9."""
    text = CardText(
        version="drawn-1",
        description="Random weights.",
        created=datetime.now(UTC).date(),
        alpha=dict.fromkeys(CASES, alpha),
        confidence=dict.fromkeys(CASES, alpha),
    )
    rng = np.random.default_rng(3)
    seen = rng.uniform(-9.0, 9.0, (300, len(FEATURES))).astype(np.float32)
    widest = np.array([[-9.0], [9.0]], np.float32).repeat(len(FEATURES), axis=1)
    difference = export_version(
        store, cases, text, [seen, widest], with_transformer=with_transformer
    )
    (store / "current").write_text("drawn-1\n")
    return difference


def made_up(name: str, first: str, days: int, seed: int = 0) -> tuple[Tape, TensorTape]:
    """Make a tape of 4 symbols and 2 strategies from noise, on weekdays from ``first`` on."""
    rng = np.random.default_rng(seed)
    begun = np.datetime64(first, "D")
    shape = (days, 4)
    returns = rng.normal(2e-4, 0.01, (days + 1, 4))
    baseline = rng.choice([-0.1, 0.0, 0.1], shape) * rng.uniform(0.2, 1.5, shape)
    tape = Tape(
        name=name,
        dates=np.busday_offset(begun, np.arange(days), roll="forward"),
        features=rng.normal(0.0, 0.7, (*shape, len(FEATURES))).astype(np.float32),
        path=rng.normal(0.0, 0.5, (*shape, STEPS, len(CHANNELS))).astype(np.float16),
        usable=np.ones(shape, np.bool_),
        baseline=baseline,
        share=np.full((*shape, 2), 0.5),
        ahead=returns[1:],
        past=returns[:-1],
        squares=rng.uniform(0.5e-4, 2e-4, shape),
        ewma=np.full(shape, 1e-4),
        leaning=baseline,
        claims=np.repeat(baseline[:, :, None], 2, axis=2),
        settings=dict(CAPS),
    )
    return tape, to_tensors(tape)
