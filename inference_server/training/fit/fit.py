r"""Fit the multiplier: net-of-cost Sharpe of the served portfolio, held close to Phase 2.

.. math:: \min_\theta \sum_k \omega_k \Bigl(-\operatorname{Sharpe}_k(m_\theta)
          + \lambda\, \overline{(m_\theta - 1)^2}\Bigr)

over several books at once. A large anchor :math:`\lambda` makes this a ridge: the direction in
which a little straying from Phase 2 pays most, which noise moves far less than the optimum itself.
How far to go in that direction is fixed beforehand: the logit is scaled to a given spread over the
days of training. The Transformer is fitted on top of the linear part in the same way, on sampled
stretches, one seed at a time. Everything is a function of books, parameters and seed alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from inference_server.training.fit.networks import (
    LinearLogit,
    NetworkParams,
    TransformerLogit,
    multiplier_of,
)
from inference_server.training.play.served_torch import TensorTape, annual_sharpe, net_returns

_WARM_UP = 40
_TINY = 1e-9
# the spread of the Transformer is measured on the last six years: more costs minutes
_MEASURED = 1500

Logit = Callable[[TensorTape, slice], Tensor]


@dataclass(frozen=True, slots=True)
class FitParams:
    """Everything a fit depends on besides data and seed.

    ``linear_spread`` and ``spread`` are the standard deviations that the logits of the linear
    part and of the Transformer are scaled to.
    """

    cost: float = 0.0005
    linear_anchor: float = 100.0
    linear_steps: int = 25
    linear_rate: float = 0.04
    linear_spread: float = 1.5
    anchor: float = 20.0
    steps: int = 30
    rate: float = 0.003
    stretch: int = 168
    stretches: int = 3
    spread: float = 0.4
    weight_decay: float = 0.01
    network: NetworkParams = field(default_factory=NetworkParams)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingBook:
    """One book to train on: days ``start`` to ``end`` of a record as tensors, and its weight."""

    tensors: TensorTape
    start: int
    end: int
    weight: float

    @property
    def rows(self) -> slice:
        """All its rows."""
        return slice(self.start, self.end)


def fit_linear(books: Sequence[TrainingBook], params: FitParams) -> LinearLogit:
    """Return the linear part, fitted on whole histories and scaled to its spread."""
    model = LinearLogit()
    optimiser = torch.optim.Adam(model.parameters(), lr=params.linear_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimiser, params.linear_steps, eta_min=params.linear_rate / 20.0
    )
    for _ in range(params.linear_steps):
        loss = torch.zeros(())
        for book in books:
            multiplier = multiplier_of(model(book.tensors.features[book.rows]))
            net = net_returns(book.tensors, multiplier, book.rows, params.cost)
            strayed = torch.square(multiplier - 1.0)[book.tensors.size[book.rows] > 0.0].mean()
            loss = loss + book.weight * (params.linear_anchor * strayed - annual_sharpe(net))
        _descend(loss, model, optimiser)
        schedule.step()
    found = spread_of(lambda tensors, rows: model(tensors.features[rows]), books)
    with torch.no_grad():
        model.weight.mul_(params.linear_spread / found)
        model.bias.mul_(params.linear_spread / found)
    return model.requires_grad_(requires_grad=False)


def fit_transformer(
    linear: LinearLogit, books: Sequence[TrainingBook], params: FitParams, seed: int
) -> TransformerLogit:
    """Return a Transformer fitted on top of a linear part that does not change."""
    torch.manual_seed(seed)
    model = TransformerLogit(params.network)
    draw = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=params.rate, weight_decay=params.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, params.rate, params.steps)
    weights = torch.tensor([book.weight for book in books])
    model.train()
    for _ in range(params.steps):
        chosen = torch.multinomial(weights, params.stretches, replacement=True, generator=draw)
        nets, strays = [], []
        for place in chosen.tolist():
            tensors, rows = books[place].tensors, _stretch(books[place], params.stretch, draw)
            added = transformer_logit(model, tensors, rows)
            multiplier = multiplier_of(linear(tensors.features[rows]) + added)
            net = net_returns(tensors, multiplier, rows, params.cost)[_WARM_UP:]
            # stretches of different universes are put on one scale
            nets.append(net / (net.detach().std() + _TINY))
            strays.append(torch.square(added)[tensors.size[rows] > 0.0].mean())
        strayed = torch.nan_to_num(torch.stack(strays)).mean()
        _descend(params.anchor * strayed - annual_sharpe(torch.cat(nets)), model, optimiser)
        schedule.step()
    return model.eval().requires_grad_(requires_grad=False)


def _stretch(book: TrainingBook, length: int, draw: torch.Generator) -> slice:
    room = max(book.end - book.start - length, 1)
    first = book.start + int(torch.randint(room, (1,), generator=draw))
    return slice(first, min(first + length, book.end))


def transformer_logit(model: TransformerLogit, tensors: TensorTape, rows: slice) -> Tensor:
    """Return logits (T, N) of a Transformer; 0 where there is no baseline or too little history."""
    features = tensors.features[rows]
    asked = (tensors.size[rows] > 0.0) & tensors.usable[rows]
    path = torch.from_numpy(tensors.path[rows][asked.numpy()]).float()
    empty = torch.zeros(features.shape[:2])
    if not len(path):
        return empty
    return empty.index_put(asked.nonzero(as_tuple=True), model(features[asked], path))


def spread_of(logit: Logit, books: Sequence[TrainingBook]) -> float:
    """Return the standard deviation of a logit over the last six years of every book."""
    seen = []
    with torch.no_grad():
        for book in books:
            rows = slice(max(book.start, book.end - _MEASURED), book.end)
            seen.append(logit(book.tensors, rows)[book.tensors.size[rows] > 0.0])
    return max(float(torch.cat(seen).std()), _TINY)


def _descend(loss: Tensor, model: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
