"""Figures of every policy on one market, and the gains between them with their intervals."""

from dataclasses import dataclass
from typing import Final

from inference_server.training.evaluate.bootstrap import (
    STANDARD,
    BootstrapParams,
    PairedGain,
    paired_gain,
)
from inference_server.training.evaluate.panels import (
    BENCHMARKS,
    LINEAR,
    REFERENCE,
    SERVED,
    TRANSFORMER,
    Panel,
)
from inference_server.training.evaluate.statistics import (
    EqualVolatilityDrawdown,
    PolicySummary,
    drawdown_at_equal_volatility,
    spread_of,
    summarise,
)

LEARNED: Final = (LINEAR, TRANSFORMER, SERVED)


@dataclass(frozen=True, slots=True)
class PanelFigures:
    """Figures of one market.

    Parameters
    ----------
    panel : Panel
    policies : dict of str to PolicySummary
    drawdowns : dict of str to EqualVolatilityDrawdown
        Against smoothed Kelly; without those that never move.
    gains : dict of str to PairedGain
        Of each learned policy over smoothed Kelly.
    benchmark_gains : dict of str to PairedGain
        Of smoothed Kelly over each benchmark.
    ablation : PairedGain or None
        Transformer minus linear.
    """

    panel: Panel
    policies: dict[str, PolicySummary]
    drawdowns: dict[str, EqualVolatilityDrawdown]
    gains: dict[str, PairedGain]
    benchmark_gains: dict[str, PairedGain]
    ablation: PairedGain | None


def measure_panel(panel: Panel, params: BootstrapParams = STANDARD) -> PanelFigures:
    """Figures of every policy of a panel, and the gains with their intervals."""

    def gain(policy: str, reference: str) -> PairedGain:
        pair = panel.returns(policy), panel.returns(reference)
        return paired_gain(*pair, panel.periods_per_year, params=params)

    names = set(panel.policies)
    learned = [name for name in LEARNED if {name, REFERENCE} <= names]
    benchmarks = [name for name in BENCHMARKS if {name, REFERENCE} <= names]
    transformer = TRANSFORMER if TRANSFORMER in names else SERVED
    return PanelFigures(
        panel=panel,
        policies={
            name: summarise(series.returns, series.turnover, panel.periods_per_year)
            for name, series in panel.policies.items()
        },
        drawdowns=_equal_volatility(panel),
        gains={name: gain(name, REFERENCE) for name in learned},
        benchmark_gains={name: gain(REFERENCE, name) for name in benchmarks},
        ablation=gain(transformer, LINEAR) if {transformer, LINEAR} <= names else None,
    )


def _equal_volatility(panel: Panel) -> dict[str, EqualVolatilityDrawdown]:
    moving = [name for name in panel.policies if spread_of(panel.returns(name)) > 0.0]
    if REFERENCE not in moving:
        return {}
    reference = panel.returns(REFERENCE)
    return {name: drawdown_at_equal_volatility(panel.returns(name), reference) for name in moving}
