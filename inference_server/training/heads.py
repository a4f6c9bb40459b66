r"""The two forecasts beside the multiplier: volatility and hit probability, both linear.

The volatility head is a log correction to the EWMA volatility, fitted by QLIKE on the mean squared
return of the next ten days; the hit head is a logistic regression of whether the sided return of
the next day is positive.

References
----------
.. [1] Patton (2011), "Volatility forecast comparison using imperfect volatility proxies",
   Journal of Econometrics 160(1), 246-256.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from inference_server.training.fit import Book
from inference_server.training.networks import LinearLogit
from inference_server.training.tape import Tape

_TINY = 1e-12
_RIDGE = 1e-4
# one day's direction is almost noise: little of it survives the next years
HIT_RIDGE = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """``volatility`` gives half the log of the variance's correction, ``hit`` a logit."""

    volatility: LinearLogit
    hit: LinearLogit


def fit_heads(books: Sequence[tuple[Tape, Book]]) -> Heads:
    """Fit both on all usable days of the books."""
    features, ratio, judged, hit = [], [], [], []
    for tape, book in books:
        rows = book.rows
        asked = book.play.usable[rows] & (book.play.side[rows] != 0.0)
        variance = torch.from_numpy(tape.ewma[rows]).float()
        squares = torch.from_numpy(tape.squares[rows]).float()
        asked = asked & torch.isfinite(squares) & (variance > _TINY) & (squares > _TINY)
        features.append(book.play.features[rows][asked])
        ratio.append((squares / variance)[asked])
        gain = book.play.ahead[rows] * book.play.side[rows]
        # a price that stood still says nothing; old panels are full of them
        moved = asked & (gain != 0.0)
        judged.append(book.play.features[rows][moved])
        hit.append((gain > 0.0)[moved].float())
    x, y, w, z = torch.cat(features), torch.cat(ratio), torch.cat(judged), torch.cat(hit)

    def qlike(logit: Tensor) -> Tensor:
        return (y * torch.exp(-2.0 * logit) + 2.0 * logit).mean()

    def entropy(logit: Tensor) -> Tensor:
        return torch.nn.functional.binary_cross_entropy_with_logits(logit, z)

    return Heads(_fit(x, qlike, _RIDGE), _fit(w, entropy, HIT_RIDGE))


def _fit(features: Tensor, loss_of: Callable[[Tensor], Tensor], ridge: float) -> LinearLogit:
    model = LinearLogit()
    optimiser = torch.optim.LBFGS(model.parameters(), max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = loss_of(model(features)) + ridge * torch.square(model.weight).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)
    return model.requires_grad_(requires_grad=False)
