"""The differentiable portfolio: right gradients, within the limits, Phase 2 when untrained."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from inference_server.training.fit.fit import transformer_logit
from inference_server.training.fit.networks import LinearLogit, TransformerLogit, multiplier_of
from inference_server.training.play.served_exact import TradingTerms, play_multiplier
from inference_server.training.play.served_torch import Scan, cap_sizes, net_returns, to_tensors
from tests.inference_server.training.fits import SMALL, made_up
from tests.inference_server.training.recorded import Recorded

CAPS = (0.15, 0.40, 0.80)


def looped(values: Tensor, keep: Tensor) -> Tensor:
    """Run the recurrence as it is written, for autograd to differentiate."""
    state, states = torch.zeros_like(values[0]), []
    for value, kept in zip(values, keep, strict=True):
        state = kept * state + value
        states.append(state)
    return torch.stack(states)


def test_the_scan_and_its_gradient_are_those_of_the_plain_loop() -> None:
    torch.manual_seed(0)
    keep = torch.rand(30, 5, dtype=torch.float64)
    outer = torch.randn(30, 5, dtype=torch.float64)
    ours = torch.randn(30, 5, dtype=torch.float64, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_()
    scanned, plain = Scan.apply(ours, keep), looped(theirs, keep)
    torch.testing.assert_close(scanned, plain, rtol=0.0, atol=1e-12)
    (scanned * outer).sum().backward()
    (plain * outer).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0.0, atol=1e-12)


def test_the_gradient_of_net_returns_is_that_of_finite_differences() -> None:
    _, tensors = made_up("etfs_ls", "2000-01-03", 40)
    rows = slice(0, 40)
    start = torch.full((40, 4), 1.1)
    free = start.clone().requires_grad_()
    net_returns(tensors, free, rows, 0.0005).sum().backward()
    assert free.grad is not None
    direction = torch.sign(free.grad)
    step = 3e-3
    up, down = (
        net_returns(tensors, start + sign * step * direction, rows, 0.0005).double().sum()
        for sign in (1.0, -1.0)
    )
    slope = float((up - down) / (2.0 * step))
    np.testing.assert_allclose(slope, float(free.grad.abs().sum()), rtol=0.02)


@given(seed=st.integers(0, 10**6), symbols=st.integers(1, 30), bold=st.floats(0.01, 3.0))
@settings(max_examples=60, deadline=None)
def test_capped_sizes_are_within_every_limit(seed: int, symbols: int, bold: float) -> None:
    rng = np.random.default_rng(seed)
    owners = rng.integers(1, 7, (5, symbols, 1)) & np.array([1, 2, 4]) > 0
    share = torch.from_numpy(owners / owners.sum(axis=2, keepdims=True)).float()
    sizes = torch.from_numpy(rng.uniform(0.0, bold, (5, symbols))).float()
    capped = cap_sizes(sizes, share, CAPS)
    assert float(capped.min()) >= 0.0
    assert bool((capped <= sizes).all())
    assert float(capped.max()) <= CAPS[0] + 1e-6
    assert float(torch.einsum("tn,tnk->tk", capped, share).max()) <= CAPS[1] + 1e-6
    assert float(capped.sum(1).max()) <= CAPS[2] + 1e-6


def test_sizes_that_hit_no_limit_stay_as_they_are() -> None:
    sizes = torch.tensor([[0.05, 0.10, 0.02]])
    share = torch.full((1, 3, 2), 0.5)
    torch.testing.assert_close(cap_sizes(sizes, share, CAPS), sizes, rtol=0.0, atol=0.0)


def test_an_untrained_network_is_phase_2(recorded: Recorded) -> None:
    tensors = to_tensors(recorded.tape)
    rows = slice(0, len(recorded.tape.dates))
    torch.manual_seed(4)
    added = transformer_logit(TransformerLogit(SMALL).eval(), tensors, rows)
    multiplier = multiplier_of(LinearLogit()(tensors.features[rows]) + added)
    assert bool((multiplier == 1.0).all())
    ours = net_returns(tensors, multiplier, rows, 0.0005)
    plain = net_returns(tensors, torch.ones_like(multiplier), rows, 0.0005)
    assert torch.equal(ours, plain)


def test_what_is_learnt_from_moves_with_what_is_served(recorded: Recorded) -> None:
    tape = recorded.tape
    rows = slice(0, len(tape.dates))
    ours = net_returns(to_tensors(tape), torch.ones(tape.baseline.shape), rows, 0.0005)
    exact = play_multiplier(tape, None, rows, TradingTerms()).returns
    assert np.corrcoef(ours.numpy()[:-1], exact)[0, 1] > 0.85
