"""(a) CPU time of one decision in process, fallback mode, memory journal."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Final

from app.facade import CascadeIndicators, HybridAllocation, Layer3Phase3Hybrid, TacticalSignal
from tests.tools.bench.batches import CALM, prices, wire_signals
from tests.tools.bench.rows import Row, interleaved_medians

SECTION: Final = "Facade, CPU a call"
SIZES: Final = (10, 100, 1000, 2000)
TARGET_MS: Final = {10: 0.25, 100: 1.5, 1000: 15.0}
CALLS: Final = (40, 20, 4, 2)


def measure(rounds: int) -> Iterator[Row]:
    """Time the same batch again and again, and beside it batches with new prices."""
    for label, moving in (("same batch", False), ("new prices each call", True)):
        hybrids = [Layer3Phase3Hybrid() for _ in SIZES]
        actions = [
            _decision(hybrid, size, moving=moving)
            for hybrid, size in zip(hybrids, SIZES, strict=True)
        ]
        medians = dict(zip(SIZES, interleaved_medians(actions, rounds, CALLS), strict=True))
        for hybrid in hybrids:
            hybrid.stop()
        for size in SIZES:
            target = None if moving else TARGET_MS.get(size)
            name = f"{size} distinct symbols, {label}"
            yield Row(SECTION, name, 1e3 * medians[size], "ms", at_most=target)
        growth = (medians[2000] / 2000) / (medians[100] / 100)
        target = None if moving else 2.0
        name = f"time a signal, 2,000 against 100, {label}"
        yield Row(SECTION, name, growth, "times", at_most=target)


def _decision(
    hybrid: Layer3Phase3Hybrid, size: int, *, moving: bool
) -> Callable[[], HybridAllocation]:
    calm = CascadeIndicators(**CALM)
    fixed = [TacticalSignal(**signal) for signal in wire_signals(size)], prices(size)
    steps = count()

    def decide() -> HybridAllocation:
        signals, quotes = fixed
        if moving:
            step = next(steps)
            signals = [TacticalSignal(**signal) for signal in wire_signals(size, step)]
            quotes = prices(size, step)
        return hybrid.process_signals(
            signals=signals, cascade_indicators=calm, current_prices=quotes
        )

    return decide
