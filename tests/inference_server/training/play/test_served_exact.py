"""What training counts as served is what the service earns, day by day."""

from pathlib import Path

import numpy as np
import pytest

from app.backtest.options import BacktestOptions
from app.backtest.run import run
from app.settings import Settings
from inference_server.training.fit.walk_forward import FittedCase
from inference_server.training.play.fitted_policy import FittedPolicy
from inference_server.training.play.served_exact import (
    PolicyFunction,
    TradingTerms,
    play_multiplier,
    play_policy,
)
from inference_server.training.play.served_torch import to_tensors
from inference_server.training.play.tape import Array, Tape
from tests.inference_server.training.fits import drawn_cases, publish
from tests.inference_server.training.recorded import Recorded, returns_of


def whole(tape: Tape) -> slice:
    return slice(0, len(tape.dates))


def test_phase_2_earns_what_the_backtest_of_the_service_earns(recorded: Recorded) -> None:
    played = play_multiplier(recorded.tape, None, whole(recorded.tape), TradingTerms())
    assert recorded.returns.std() > 1e-4
    np.testing.assert_allclose(played.returns, recorded.returns[:-1], rtol=0.0, atol=1e-9)


def torch_policy(tape: Tape, cases: dict[str, FittedCase]) -> PolicyFunction:
    """Ask out of torch; a day without a short baseline is a long/flat one."""
    active = tape.usable & (tape.baseline != 0.0)
    policies = {
        case: FittedPolicy(
            tape, to_tensors(tape), fit, rows=whole(tape), active=active, with_transformer=True
        )
        for case, fit in cases.items()
    }

    def policy(row: int, held: Array) -> Array:
        short = (tape.baseline[row] < 0.0).any()
        return policies["long_short" if short else "long_flat"](row, held)

    return policy


def test_a_multiplier_earns_what_it_earns_behind_the_inference_server(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = drawn_cases()
    publish(tmp_path / "models", cases)
    monkeypatch.setenv("HIMARI_INFERENCE_MODEL_DIR", str(tmp_path / "models"))
    figures = tmp_path / "figures.json"
    options = BacktestOptions(
        prices=recorded.prices,
        json_path=figures,
        mode="rl",
        only=("kelly_smoothed", "rl"),
        outcomes=False,
        short=bool(recorded.tape.settings["allow_short"]),
    )
    run(options, Settings())
    served = returns_of(figures, "rl")
    tape = recorded.tape
    played = play_policy(tape, torch_policy(tape, cases), whole(tape), TradingTerms())
    assert played.multiplier[tape.baseline[:-1] != 0.0].std() > 0.1
    assert np.abs(served - recorded.returns).max() > 1e-4
    np.testing.assert_allclose(played.returns, served[:-1], rtol=0.0, atol=1e-6)


def test_a_delayed_portfolio_trades_today_what_it_wanted_yesterday(recorded: Recorded) -> None:
    tape = recorded.tape
    still = np.zeros_like(tape.ahead)
    prompt = play_multiplier(tape, None, whole(tape), TradingTerms(cost_bps=0.0), still)
    late = play_multiplier(tape, None, whole(tape), TradingTerms(cost_bps=0.0, delay=1), still)
    # prices that stand still move no weight, so the same orders come one close later
    np.testing.assert_allclose(late.weights[1:], prompt.weights[:-1], rtol=0.0, atol=1e-12)
    assert not late.weights[0].any()


def test_costs_are_charged_on_every_unit_traded(recorded: Recorded) -> None:
    tape = recorded.tape
    still = np.zeros_like(tape.ahead)
    played = play_multiplier(tape, None, whole(tape), TradingTerms(cost_bps=10.0), still)
    np.testing.assert_allclose(played.returns, -1e-3 * played.turnover, rtol=1e-12)
