"""What the policy of the real inference server gained over Phase 2."""

from dataclasses import dataclass

from app.core.types import FloatArray, JsonObject
from app.demo.play import PlayedRun
from app.demo.summary import equity_of
from app.history.gain import BootstrapMissing, SharpeGain, sharpe_gain
from app.history.market import TRADING_DAYS


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
    why_no_gain : str or None
        What is not installed to find it.
    """

    run: str
    version: str
    kind: str
    alpha: dict[str, float]
    unchanged: int
    sharpe_gain: float | None
    ci_low: float | None
    ci_high: float | None
    why_no_gain: str | None = None


def compare_with_phase2(phase2: PlayedRun, policy: PlayedRun, card: JsonObject) -> PolicyFigures:
    """Compare two equity lines of the same days, and say whose policy it was."""
    ours, theirs = (equity[1:] / equity[:-1] - 1.0 for equity in map(equity_of, (policy, phase2)))
    gain, why_none = _gain(ours, theirs)
    answers = [day.answer for day in policy.days if day.answer["strategy"] == "rl"]
    return PolicyFigures(
        run=policy.name,
        version=str(card.get("version", "unknown")),
        kind=str(card.get("kind", "unknown")),
        alpha=dict(card.get("alpha", {})),
        unchanged=sum(each["allocations"] == each["baseline_allocations"] for each in answers),
        sharpe_gain=None if gain is None else gain.sharpe_gain,
        ci_low=None if gain is None else gain.ci_low,
        ci_high=None if gain is None else gain.ci_high,
        why_no_gain=why_none,
    )


def _gain(ours: FloatArray, theirs: FloatArray) -> tuple[SharpeGain | None, str | None]:
    # the bootstrap is an extra: without it the demo still shows everything else
    try:
        return sharpe_gain(ours, theirs, TRADING_DAYS), None
    except BootstrapMissing as error:
        return None, str(error)
