r"""The two forecasts beside the multiplier: volatility, and whether the price will rise.

Both are of the price alone (`unsided`), whoever holds it: neither Phase 2's side nor the case plays
a part, so one pair of forecasts serves both cases. The volatility head is a log correction to the
EWMA volatility, fitted by QLIKE on the mean squared return of the next ten days: a linear part and
the mean of three small hidden layers. The other is a logistic regression of whether the next day's
return is positive; seen from a short baseline, its logit changes sign.

References
----------
.. [1] Patton (2011), "Volatility forecast comparison using imperfect volatility proxies",
   Journal of Econometrics 160(1), 246-256.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from inference_server.training.fit.fit import TrainingBook
from inference_server.training.fit.unsided import UNSIDED, unsided_features
from inference_server.training.play.tape import Tape

TrainingBooks = Sequence[tuple[Tape, TrainingBook]]

# weight of each record; which side its book was on does not matter
POOLS: Final[Mapping[str, Mapping[str, float]]] = {
    "volatility": {
        "stocks_ls": 0.5,
        "nyse_n_ls": 0.2,
        "nyse_o_ls": 0.1,
        "etfs_ls": 0.1,
        "tse_ls": 0.1,
    },
    # in the undated panels of 1962 to 1984 a price moves by eighths, and often stands still
    "rise": {"stocks_ls": 0.8, "etfs_ls": 0.2},
}
_TINY: Final = 1e-12


@dataclass(frozen=True, slots=True)
class HeadParams:
    """Everything the forecasts depend on besides the records.

    ``rise_ridge``: one day's direction is almost noise, and little of it survives the next years.
    """

    hidden: int = 32
    seeds: int = 3
    epochs: float = 3.0
    batch: int = 2048
    rate: float = 0.003
    weight_decay: float = 1.0
    rise_ridge: float = 0.01


class PriceLogit(nn.Module):
    """A linear part and, where there are hidden units, a layer of them; 0 at the start.

    Parameters
    ----------
    hidden : int
        Units; 0 for the linear part alone.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.linear = nn.Linear(len(UNSIDED), 1)
        self.wide = nn.Linear(len(UNSIDED), hidden) if hidden else None
        self.narrow = nn.Linear(hidden, 1, bias=False) if hidden else None
        for part in (self.linear, self.narrow):
            for value in part.parameters() if part is not None else ():
                nn.init.zeros_(value)

    def forward(self, unsided: Tensor) -> Tensor:
        """Return logits (...,) of unsided features (..., P)."""
        logit: Tensor = self.linear(unsided)[..., 0]
        if self.wide is None or self.narrow is None:
            return logit
        added: Tensor = self.narrow(functional.gelu(self.wide(unsided)))[..., 0]
        return logit + added


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """``volatility`` gives half the log of the variance's correction, ``rise`` a logit."""

    volatility: PriceLogit
    rise: PriceLogit


def fit_volatility(books: TrainingBooks, params: HeadParams) -> PriceLogit:
    """Fit the correction of the EWMA volatility; a function of books and parameters alone."""
    x, y, share = _gather(books, _ratio)

    def loss_of(logit: Tensor, target: Tensor) -> Tensor:
        return target * torch.exp(-2.0 * logit) + 2.0 * logit

    fitted = [_descend(x, y, share, loss_of, params, seed) for seed in range(params.seeds)]
    return _mean(fitted, params.hidden).requires_grad_(requires_grad=False)


def fit_rise(books: TrainingBooks, params: HeadParams) -> PriceLogit:
    """Fit the logit of a rise by logistic regression."""
    x, z, share = _gather(books, _rose)
    model = PriceLogit(0)
    optimiser = torch.optim.LBFGS(model.parameters(), max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        entropy = functional.binary_cross_entropy_with_logits(model(x), z, reduction="none")
        penalty = params.rise_ridge * torch.square(model.linear.weight).sum()
        loss = (share * entropy).sum() + penalty
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)
    return model.requires_grad_(requires_grad=False)


def _gather(
    books: TrainingBooks, target_of: Callable[[Tape, slice], Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Return unsided features, targets and weights of the usable days whose target is not NaN."""
    features, targets, shares = [], [], []
    for tape, book in books:
        rows, tensors = book.rows, book.tensors
        target = target_of(tape, rows)
        known = tensors.usable[rows] & torch.isfinite(target)
        features.append(unsided_features(tensors.features[rows][known], tensors.side[rows][known]))
        targets.append(target[known])
        shares.append(torch.full((int(known.sum()),), book.weight / max(int(known.sum()), 1)))
    share = torch.cat(shares)
    return torch.cat(features), torch.cat(targets), share / share.sum()


def _ratio(tape: Tape, rows: slice) -> Tensor:
    """Return realised variance over EWMA variance; NaN where either is unknown."""
    variance = torch.from_numpy(tape.ewma[rows])
    squares = torch.from_numpy(tape.squares[rows])
    known = (variance > _TINY) & (squares > _TINY)
    return torch.where(known, squares / variance, torch.nan).float()


def _rose(tape: Tape, rows: slice) -> Tensor:
    """Return 1 where the next return is positive, 0 where negative, NaN where it is 0."""
    ahead = torch.from_numpy(tape.ahead[rows])
    return torch.where(ahead != 0.0, (ahead > 0.0).double(), torch.nan).float()


def _descend(
    x: Tensor,
    y: Tensor,
    share: Tensor,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    params: HeadParams,
    seed: int,
) -> PriceLogit:
    torch.manual_seed(seed)
    model = PriceLogit(params.hidden)
    draw = torch.Generator().manual_seed(seed)
    upto = torch.cumsum(share.double(), dim=0)
    steps = max(int(params.epochs * len(x) / params.batch), 10)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=params.rate, weight_decay=params.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, params.rate, steps)
    for _ in range(steps):
        places = torch.rand(params.batch, generator=draw, dtype=torch.float64)
        chosen = torch.searchsorted(upto, places).clamp(max=len(x) - 1)
        optimiser.zero_grad()
        loss = loss_of(model(x[chosen]), y[chosen]).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return model


def _mean(models: Sequence[PriceLogit], hidden: int) -> PriceLogit:
    """Return one model whose logit is the mean of several; it has the hidden units of all."""
    joined = PriceLogit(hidden * len(models))
    states = [model.state_dict() for model in models]
    count = len(models)
    joined.load_state_dict(
        {
            "linear.weight": torch.stack([one["linear.weight"] for one in states]).mean(0),
            "linear.bias": torch.stack([one["linear.bias"] for one in states]).mean(0),
            "wide.weight": torch.cat([one["wide.weight"] for one in states]),
            "wide.bias": torch.cat([one["wide.bias"] for one in states]),
            "narrow.weight": torch.cat([one["narrow.weight"] for one in states], dim=1) / count,
        }
    )
    return joined
