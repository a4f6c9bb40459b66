"""Conclude a decision: the tail that service, rehearsal, what-if, replay and backtest share."""

from dataclasses import dataclass

import numpy as np

from app.core.books.drift import Drift, DriftBook
from app.core.decision.draft import Draft
from app.core.decision.finish import Finished, finish
from app.core.decision.observe import Observation
from app.core.decision.targets import Targets, build_targets, missing_targets
from app.core.types import PolicyAnswer


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A whole decision: both allocations, shares of the strategies, and what to tell.

    ``final`` and ``baseline`` are the same object where the policy changed nothing.
    """

    finished: Finished
    final: Targets
    baseline: Targets
    shares: dict[str, float]
    drift: Drift
    warnings: tuple[str, ...]

    @property
    def drafted(self) -> Draft:
        """The decision before the policy's answer."""
        return self.finished.draft

    @property
    def observed(self) -> Observation:
        """The batch and what was believed of it."""
        return self.finished.draft.observed


def conclude(drafted: Draft, answer: PolicyAnswer, drift: DriftBook) -> Conclusion:
    """Finish a draft with the policy's answer and work out every target.

    Parameters
    ----------
    drafted : Draft
    answer : PolicyAnswer
        Predictions, or the reason for which there are none.
    drift : DriftBook
        Measures how far the shares moved; it learns nothing here.
    """
    finished = finish(drafted, answer)
    final = build_targets(drafted, finished.final)
    same = finished.final is finished.baseline
    baseline = final if same else build_targets(drafted, finished.baseline)
    shares = strategy_shares(drafted.observed, final)
    missing = missing_targets(drafted.observed)
    warnings = (*drafted.warnings, *finished.warnings, *((missing,) if missing else ()))
    return Conclusion(finished, final, baseline, shares, drift.measure(shares), warnings)


def strategy_shares(observed: Observation, targets: Targets) -> dict[str, float]:
    """Each strategy's share of what all strategies hold, summing to 1; empty when flat."""
    table = observed.table
    by = np.bincount(table.strategy_of, np.abs(targets.parts), len(table.strategies))
    total = float(by.sum())
    if not total > 0.0:
        return {}
    return dict(zip(table.strategies, (by / total).tolist(), strict=True))
