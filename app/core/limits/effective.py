"""Limits that hold for one batch: the settings', a cap in money, and caps of new strategies."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from app.core.books.records import RecordBook
from app.core.params import LimitParams, StrategyParams

# Fewer outcomes say nothing of a strategy; the conformal stage waits for as many.
KNOWN_FROM: Final = 20


def effective_limits(
    limits: LimitParams,
    strategies: StrategyParams,
    value_usd: float,
    names: Sequence[str],
    records: RecordBook,
) -> LimitParams:
    """Return the limits of one batch; the same object where nothing further caps.

    Parameters
    ----------
    limits : LimitParams
    strategies : StrategyParams
        Where names are listed, all others are new.
    value_usd : float, USD, > 0
        Portfolio value that is used.
    names : sequence of str
        Strategies of the batch.
    records : RecordBook
        A strategy with fewer than 20 outcomes is new.
    """
    if limits.max_gross_usd > 0.0:
        gross = min(limits.max_portfolio_pct, limits.max_gross_usd / value_usd)
        limits = replace(limits, max_portfolio_pct=gross)
    if limits.new_strategy_pct <= 0.0 or not names:
        return limits
    counts = records.gather(names).outcomes.tolist()
    listed = strategies.listed
    new = [
        name
        for name, count in zip(names, counts, strict=True)
        if count < KNOWN_FROM or (listed and name not in listed)
    ]
    if not new:
        return limits
    return replace(
        limits, strategy_caps=_smaller(limits.strategy_caps, dict.fromkeys(new, _cap_of(limits)))
    )


def _cap_of(limits: LimitParams) -> float:
    return min(limits.new_strategy_pct, limits.max_strategy_pct)


def strictest_limits(one: LimitParams, other: LimitParams) -> LimitParams:
    """Return limits of which each is the smaller of both; the first ones where those are.

    A group that changed its members has the members of both.
    """
    if one == other:
        return one
    groups = {
        name: tuple(sorted({*one.groups.get(name, ()), *other.groups.get(name, ())}))
        for name in sorted({*one.groups, *other.groups})
    }
    strict = LimitParams(
        max_position_pct=min(one.max_position_pct, other.max_position_pct),
        max_strategy_pct=min(one.max_strategy_pct, other.max_strategy_pct),
        max_portfolio_pct=min(one.max_portfolio_pct, other.max_portfolio_pct),
        allow_short=one.allow_short and other.allow_short,
        symbol_caps=_smaller(one.symbol_caps, other.symbol_caps),
        group_caps=_smaller(one.group_caps, other.group_caps),
        groups=groups if one.groups != other.groups else one.groups,
        strategy_caps=_smaller(one.strategy_caps, other.strategy_caps),
        max_gross_usd=_smaller_if_on(one.max_gross_usd, other.max_gross_usd),
        new_strategy_pct=_smaller_if_on(one.new_strategy_pct, other.new_strategy_pct),
    )
    return one if strict == one else strict


def _smaller(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    both = dict(one)
    for name, cap in other.items():
        both[name] = min(cap, both.get(name, cap))
    return both


def _smaller_if_on(one: float, other: float) -> float:
    return min(one, other) if one > 0.0 and other > 0.0 else max(one, other)
