"""The real inference server beside the service, and what its policy gained over Phase 2."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from app.core.types import JsonObject
from app.demo.market import TRADING_DAYS
from app.demo.play import PlayedRun
from app.demo.summary import equity_of

DEFAULT_MODEL: Final = "rl"
# imported when asked for: the backtest stands on this package's prices and processes
SERVED: Final = "app.backtest.learned"
GAIN: Final = "app.backtest.gain"


@dataclass(frozen=True, slots=True)
class PolicyFigures:
    """The learned policy against Phase 2 alone, each with its own portfolio on the same days.

    Parameters
    ----------
    run : str
        Name of the policy's run.
    version, kind : str
        Of the model.
    alpha : mapping of case to float
        How much of the learned multiplier is served; 0: the case did not pass its report.
    unchanged : int
        Days decided by the policy on which it answered exactly Phase 2's allocation.
    sharpe_gain, ci_low, ci_high : float or None
        Annual Sharpe ratio of the policy's equity less Phase 2's with the 95 % interval of a paired
        stationary bootstrap; None where either equity never moves.
    """

    run: str
    version: str
    kind: str
    alpha: dict[str, float]
    unchanged: int
    sharpe_gain: float | None
    ci_low: float | None
    ci_high: float | None


@contextmanager
def inference_server() -> Iterator[tuple[str, JsonObject]]:
    """Run the inference server with its default model; yields its ``/predict`` and model card.

    Raises
    ------
    HimariError
        If it is not installed beside the service or does not become ready.
    """
    with import_module(SERVED).served(DEFAULT_MODEL, None) as server:
        yield server.endpoint, server.card or {}


def compare_with_phase2(phase2: PlayedRun, policy: PlayedRun, card: JsonObject) -> PolicyFigures:
    """Compare two equity lines of the same days, and say whose policy it was."""
    ours, theirs = (equity[1:] / equity[:-1] - 1.0 for equity in map(equity_of, (policy, phase2)))
    gain: Any = import_module(GAIN).sharpe_gain(ours, theirs, TRADING_DAYS)
    answers = [day.answer for day in policy.days if day.answer["strategy"] == "rl"]
    return PolicyFigures(
        run=policy.name,
        version=str(card.get("version", "unknown")),
        kind=str(card.get("kind", "unknown")),
        alpha=dict(card.get("alpha", {})),
        unchanged=sum(each["allocations"] == each["baseline_allocations"] for each in answers),
        sharpe_gain=gain and gain.sharpe_gain,
        ci_low=gain and gain.ci_low,
        ci_high=gain and gain.ci_high,
    )
