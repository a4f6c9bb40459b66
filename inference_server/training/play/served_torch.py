r"""Play the served portfolio as a differentiable function of the multiplier.

What `POST /allocate` does after the model answered, day by day: the multiplied baseline inside the
caps, smoothed, carried by prices, charged for trading. Where the service projects on the limits,
this scales each symbol down by its tightest strategy and then the whole book: the same set of
portfolios, not the nearest point, and smooth enough to learn from. Figures come from
`served_exact`, never from here.

The smoothed weights follow :math:`w_t = (1 - g_t)(1 + r_t) w_{t-1} + g_t a_t` with the aim a and a
gate g that is 1 where the baseline changes side: linear in the aims, so one scan forward and one
backward give value and gradient.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inference_server.training.play.tape import Tape

TRADING_DAYS = 252


class Scan(torch.autograd.Function):
    """The recurrence w_t = c_t w_{t-1} + v_t over the first axis; v and c have the same shape."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, keep: Tensor) -> Tensor:
        """Run forward."""
        entered, kept = values.detach().numpy(), keep.numpy()
        out = np.empty_like(entered)
        state = np.zeros(entered.shape[1:], entered.dtype)
        for day in range(len(entered)):
            state = kept[day] * state + entered[day]
            out[day] = state
        ctx.kept = kept
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, None]:
        """Run backward: the adjoint of a scan is the scan in reverse."""
        gradient, kept = outer[0].numpy(), ctx.kept
        out = np.empty_like(gradient)
        state = np.zeros(gradient.shape[1:], gradient.dtype)
        for day in range(len(gradient) - 1, -1, -1):
            state = gradient[day] + state
            out[day] = state
            state = state * kept[day]
        return torch.from_numpy(out), None


@dataclass(frozen=True, slots=True, eq=False)
class TensorTape:
    """A tape as tensors, with everything that does not depend on the multiplier.

    ``gate`` is the share of the way to the aim traded each day, ``keep`` the factor on the weight
    of the day before.
    """

    features: Tensor
    path: Any
    usable: Tensor
    size: Tensor
    side: Tensor
    share: Tensor
    ahead: Tensor
    gate: Tensor
    keep: Tensor
    caps: tuple[float, float, float]


def to_tensors(tape: Tape, span: float = 10.0) -> TensorTape:
    """Return a tape as tensors, float32."""
    side = np.sign(tape.baseline)
    last = np.zeros(side.shape[1])
    gate = np.full(side.shape, 2.0 / (span + 1.0))
    for day, now in enumerate(side):
        gate[day][now * last < 0.0] = 1.0
        last = np.where(now != 0.0, now, last)
    settings = tape.settings
    return TensorTape(
        features=torch.from_numpy(tape.features),
        path=tape.path,
        usable=torch.from_numpy(tape.usable),
        size=_tensor(np.abs(tape.baseline)),
        side=_tensor(side),
        share=_tensor(tape.share),
        ahead=_tensor(tape.ahead),
        gate=_tensor(gate),
        keep=_tensor((1.0 - gate) * (1.0 + tape.past)),
        caps=(
            settings["max_position_pct"],
            settings["max_strategy_pct"],
            settings["max_portfolio_pct"],
        ),
    )


def _tensor(values: Any) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def cap_sizes(sizes: Tensor, share: Tensor, caps: tuple[float, float, float]) -> Tensor:
    """Return absolute weights (T, N), scaled into the position, strategy and portfolio limits."""
    position, strategy, portfolio = caps
    inside = torch.clamp(sizes, max=position)
    gross = torch.einsum("tn,tnk->tk", inside, share)
    factor = torch.clamp(strategy / (gross + 1e-9), max=1.0)
    tightest = torch.where(share > 0.05, factor[:, None, :], torch.ones(())).amin(2)
    inside = inside * tightest
    total = inside.sum(1, keepdim=True)
    return inside * torch.clamp(portfolio / (total + 1e-9), max=1.0)


def net_returns(tensors: TensorTape, multiplier: Tensor, rows: slice, cost: float) -> Tensor:
    """Return the daily net returns of the served portfolio over ``rows``, shape (T,).

    Parameters
    ----------
    tensors : TensorTape
    multiplier : Tensor of shape (T, N), in (0, 2)
    rows : slice
        Days; the portfolio starts flat on the first.
    cost : float
        Of one unit of traded weight: 0.0005 is 5 bps.
    """
    sizes = cap_sizes(tensors.size[rows] * multiplier, tensors.share[rows], tensors.caps)
    weights = Scan.apply(tensors.gate[rows] * sizes * tensors.side[rows], tensors.keep[rows])
    ahead = tensors.ahead[rows]
    carried = torch.cat([torch.zeros_like(weights[:1]), weights[:-1] * (1.0 + ahead[:-1])])
    traded = (weights - carried).abs().sum(1)
    net: Tensor = (weights * ahead).sum(1) - cost * traded
    return net


def annual_sharpe(returns: Tensor) -> Tensor:
    """Return the annual Sharpe ratio, 252 days, of returns of shape (T,)."""
    ratio: Tensor = returns.mean() / (returns.std() + 1e-9) * TRADING_DAYS**0.5
    return ratio
