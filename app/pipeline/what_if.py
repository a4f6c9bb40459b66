"""Size a batch under other numbers: Phase 2 alone, on a copy of the beliefs."""

from dataclasses import dataclass, replace
from typing import Any, Final

from app.core.beliefs import Beliefs
from app.core.decision.conclude import conclude
from app.core.decision.draft import draft
from app.core.decision.observe import observe_batch
from app.core.params import EngineParams
from app.core.types import Batch, CascadeIndicators, FallbackReason, PolicyAnswer
from app.pipeline.answer import compose

# indicators at which every component of the cascade score is 1
_WORST: Final = CascadeIndicators(
    funding_rate=0.01,
    oi_change_pct=-0.30,
    volume_ratio=10.0,
    onchain_whale_pressure=1.0,
    exchange_netflow_zscore=4.0,
)


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change; None leaves the batch or the settings as they are.

    ``cascade_severity`` in [0, 1] makes each indicator at least that part of its worst.
    """

    kelly_fraction: float | None = None
    portfolio_value: float | None = None
    cascade_severity: float = 0.0


def rehearse(
    batch: Batch, beliefs: Beliefs, params: EngineParams, changes: Changes
) -> dict[str, Any]:
    """Size a changed batch with Phase 2 alone, on a copy of the beliefs.

    Returns
    -------
    dict
        The allocation part of an answer of ``POST /allocate``, without id and journal entry.

    Raises
    ------
    InvalidInput
        If a held position cannot be valued.
    """
    if changes.kelly_fraction is not None:
        kelly = replace(params.kelly, fraction=changes.kelly_fraction)
        params = replace(params, kelly=kelly)
    copied = beliefs.fork().under(params)
    observed = observe_batch(_changed(batch, changes), copied, params)
    some = bool(observed.batch.all_signals)
    reason = FallbackReason.RL_DISABLED if some else FallbackReason.EMPTY_BATCH
    return compose(conclude(draft(observed, copied), PolicyAnswer(reason=reason), copied))


def _changed(batch: Batch, changes: Changes) -> Batch:
    value = changes.portfolio_value
    return replace(
        batch,
        cascade=_worsened(batch.cascade, changes.cascade_severity),
        portfolio_value=batch.portfolio_value if value is None else value,
    )


def _worsened(given: CascadeIndicators, severity: float) -> CascadeIndicators:
    if severity <= 0.0:
        return given
    whale = severity * _WORST.onchain_whale_pressure
    return CascadeIndicators(
        funding_rate=_farther(given.funding_rate, severity * _WORST.funding_rate),
        oi_change_pct=min(given.oi_change_pct, severity * _WORST.oi_change_pct),
        volume_ratio=max(given.volume_ratio, severity * _WORST.volume_ratio),
        onchain_whale_pressure=max(given.onchain_whale_pressure, whale),
        exchange_netflow_zscore=_farther(
            given.exchange_netflow_zscore, severity * _WORST.exchange_netflow_zscore
        ),
    )


def _farther(given: float, worse: float) -> float:
    # the cascade score uses the absolute value of these two
    return given if abs(given) >= worse else worse
