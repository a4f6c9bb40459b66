"""Conclude a decision: the tail that service, rehearsal, what-if, replay and backtest share."""

import math
from dataclasses import dataclass

from app.core.beliefs import Beliefs
from app.core.books.drift import Drift
from app.core.decision.draft import Draft, draft
from app.core.decision.finish import Finished, finish
from app.core.decision.observe import Observation, observe_again
from app.core.decision.targets import (
    Targets,
    build_targets,
    fraction_notices,
    missing_targets,
)
from app.core.types import Notice, PolicyAnswer


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A whole decision: both allocations, shares of the strategies, and what to tell.

    ``final`` and ``baseline`` are the same object where the policy changed nothing;
    ``control_version`` counts the switches thrown until it was concluded.
    """

    finished: Finished
    policy: PolicyAnswer
    final: Targets
    baseline: Targets
    shares: dict[str, float]
    drift: Drift
    notices: tuple[Notice, ...]
    control_version: int

    @property
    def drafted(self) -> Draft:
        """The decision before the policy's answer."""
        return self.finished.draft

    @property
    def observed(self) -> Observation:
        """The batch and what was believed of it."""
        return self.finished.draft.observed


def conclude(drafted: Draft, answer: PolicyAnswer, beliefs: Beliefs) -> Conclusion:
    """Finish a draft with the policy's answer and work out every target.

    Where the trading state or a limit became stricter since the draft, it is drafted again under
    the strictest of both; so a decision ends under the state of its own place in the journal.

    Parameters
    ----------
    drafted : Draft
    answer : PolicyAnswer
        Predictions, or the reason for which there are none.
    beliefs : Beliefs
        They learn nothing here.
    """
    observed = observe_again(drafted.observed, beliefs)
    if observed is not drafted.observed:
        drafted = draft(observed, beliefs)
    finished = finish(drafted, answer)
    final = build_targets(drafted, finished.final)
    same = finished.final is finished.baseline
    baseline = final if same else build_targets(drafted, finished.baseline)
    shares = strategy_shares(observed, final)
    missing = missing_targets(observed)
    notices = (
        *drafted.notices,
        *finished.notices,
        *final.notices,
        *fraction_notices(observed, final),
        *((missing,) if missing else ()),
    )
    drift = beliefs.drift.measure(shares)
    return Conclusion(
        finished, answer, final, baseline, shares, drift, notices, beliefs.trading.version
    )


def strategy_shares(observed: Observation, targets: Targets) -> dict[str, float]:
    """Each strategy's share of what all strategies hold, summing to 1; empty when flat."""
    by = targets.gross_by_strategy(observed.table)
    total = math.fsum(by.values())
    if not total > 0.0:
        return {}
    return {name: gross / total for name, gross in by.items()}
