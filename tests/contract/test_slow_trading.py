"""Slow trading: a part of the way, at once where direction, cascade or state demand it."""

from dataclasses import replace

from hypothesis import given

from app.core.params import EngineParams, LimitParams, TradingParams
from app.core.types import TradingState
from tests.contract.promises import BUYS, SELLS, cascade_multiplier, directional, held_usd
from tests.contract.strategies import CALM, Case, cases, in_cascade

SPAN = 10.0
STEP = 2.0 / (SPAN + 1.0)


def at_span(case: Case, span: float, limits: LimitParams | None = None) -> Case:
    params = EngineParams(
        trading=TradingParams(rebalance_span=span), limits=limits or case.params.limits
    )
    return replace(case, params=params)


def roomy(case: Case) -> LimitParams:
    """Limits that nothing reaches, so that only the slowness is seen."""
    short = case.params.limits.allow_short
    return LimitParams(1.0, 100.0, 100.0, allow_short=short)


@given(case=cases())
def test_a_target_is_the_smoothed_aim_or_the_aim_itself(case: Case) -> None:
    calm = in_cascade(replace(case, state=TradingState.ACTIVE), CALM)
    quick = at_span(calm, 0.0, roomy(case))
    slow = at_span(calm, SPAN, roomy(case))
    aims, targets = quick.engine().allocate(calm.batch), slow.engine().allocate(calm.batch)
    held, value = held_usd(calm.batch), calm.batch.portfolio_value
    for symbol, signals in directional(calm).items():
        actions = {signal.action for signal in signals}
        for name in ("allocations", "baseline_allocations"):
            aim, have, target = aims[name][symbol], held.get(symbol, 0.0), targets[name][symbol]
            smoothed = have + STEP * (aim - have)
            one_sided = (have > 0.0 and actions <= {*SELLS}) or (have < 0.0 and actions <= {*BUYS})
            at_once = aim * have < 0.0 or one_sided
            both = aim == 0.0 and not actions <= {*BUYS} and not actions <= {*SELLS}
            options = (aim,) if at_once else (smoothed, aim) if both else (smoothed,)
            if have < 0.0 and not slow.params.limits.allow_short:
                options = (aim,)
            assert min(abs(target - option) for option in options) <= 1e-9 * value, symbol


@given(case=cases())
def test_slowness_never_leaves_the_interval_between_position_and_aim(case: Case) -> None:
    quick, slow = at_span(case, 0.0), at_span(case, SPAN)
    aims, targets = quick.engine().allocate(case.batch), slow.engine().allocate(case.batch)
    held, slack = held_usd(case.batch), 1e-6 * case.batch.portfolio_value
    assert {*aims["allocations"]} == {*targets["allocations"]}
    for symbol, target in targets["baseline_allocations"].items():
        ends = (aims["baseline_allocations"][symbol], held.get(symbol, 0.0), 0.0)
        assert min(ends) - slack <= target <= max(ends) + slack, symbol
    if cascade_multiplier(case.batch.cascade) == 0.0:
        assert not any(targets["allocations"].values())
