"""The promises of the contract, checked on an answer and its request alone.

Nothing here is imported from the engine but its nouns: every number is computed anew from the
contract's sentences and the design's formulas.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, Final

from app.core.params import LimitParams
from app.core.types import Action, Batch, CascadeIndicators, Signal, TradingState
from tests.contract.engine import Answer
from tests.contract.strategies import Case

TOLERANCE: Final = 1e-6
BUYS: Final = (Action.BUY, Action.STRONG_BUY)
SELLS: Final = (Action.SELL, Action.STRONG_SELL)
NULL_IF_SET_APART: Final = ("target_usd", "weight", "trade_usd", "price", "price_age_sec")


def cascade_multiplier(indicators: CascadeIndicators) -> float:
    """Return a as design section 1.5 has it."""
    funding, volume = abs(indicators.funding_rate), indicators.volume_ratio
    drop, netflow = -indicators.oi_change_pct, abs(indicators.exchange_netflow_zscore)
    whale = indicators.onchain_whale_pressure
    score = (
        0.20 * (min(1.0, funding / 0.01) if funding > 0.003 else 0.0)
        + 0.25 * (min(1.0, drop / 0.30) if drop > 0.10 else 0.0)
        + 0.15 * (min(1.0, volume / 10.0) if volume > 5.0 else 0.0)
        + 0.25 * (whale if whale > 0.7 else 0.0)
        + 0.15 * (min(1.0, netflow / 4.0) if netflow > 2.0 else 0.0)
    )
    score = round(score, 9)
    return 0.0 if score > 0.8 else 0.25 if score > 0.6 else 0.5 if score > 0.4 else 1.0


def usable(batch: Batch) -> dict[str, float]:
    """Prices that are finite and above zero; no oracle's case knows others from before."""
    return {s: p for s, p in batch.prices.items() if p is not None and 0.0 < p < math.inf}


def in_time(batch: Batch, one: Signal) -> bool:
    """Whether the door's bound lets a signal's stamp pass."""
    return batch.stamps_until_ns is None or one.timestamp_ns <= batch.stamps_until_ns


def held_units(batch: Batch) -> dict[str, float]:
    """Every position that is not zero."""
    return {symbol: units for symbol, units in (batch.positions or {}).items() if units}


def closed(case: Case, *, flatten: bool = False) -> set[str]:
    """List held symbols that nothing sizes and that are brought to zero all the same."""
    batch, prices = case.batch, usable(case.batch)
    everything = flatten or cascade_multiplier(batch.cascade) == 0.0
    found = set()
    for symbol, units in held_units(batch).items():
        mine = [s for s in batch.signals if s.symbol == symbol and s.action is not Action.HOLD]
        timely = [s for s in mine if in_time(batch, s)]
        if symbol in prices and timely:
            continue
        against = SELLS if units > 0.0 else BUYS
        unanimous = bool(mine) and all(s.action in against for s in timely or mine)
        short_is_off = units < 0.0 and not case.params.limits.allow_short
        halted = case.state is TradingState.HALTED
        if everything or short_is_off or (unanimous and not halted):
            found.add(symbol)
    return found


def set_apart(case: Case, *, flatten: bool = False) -> set[str]:
    """List held symbols that have no price and are not closed."""
    rest = held_units(case.batch).keys() - usable(case.batch).keys()
    return rest - closed(case, flatten=flatten)


def accepted(case: Case, *, flatten: bool = False) -> list[Signal]:
    """List the signals that are not rejected: in time, with a price or a target of zero."""
    known = usable(case.batch).keys() | closed(case, flatten=flatten)
    return [s for s in case.batch.signals if s.symbol in known and in_time(case.batch, s)]


def directional(case: Case) -> dict[str, list[Signal]]:
    """List the accepted signals with a direction, by symbol."""
    found: dict[str, list[Signal]] = defaultdict(list)
    for signal in accepted(case):
        if signal.action is not Action.HOLD:
            found[signal.symbol].append(signal)
    return found


def held_usd(batch: Batch) -> dict[str, float]:
    """Value of every position that is not zero and has a price."""
    prices = usable(batch)
    return {s: units * prices[s] for s, units in held_units(batch).items() if s in prices}


def contributions(answer: Answer) -> Iterator[tuple[str, str | None, float]]:
    """Symbol, strategy and USD of every contribution."""
    for position in answer["positions"]:
        for part in position["contributions"]:
            yield position["symbol"], part["strategy_id"], part["final_usd"]


def assert_limits(case: Case, answer: Answer) -> None:
    """Promise 1: every limit, times a, times portfolio value."""
    limits, value = case.params.limits, case.batch.portfolio_value
    scale = cascade_multiplier(case.batch.cascade) * value
    slack = TOLERANCE * value
    for name in ("allocations", "baseline_allocations"):
        _assert_symbol_limits(answer[name], limits, scale, slack)
    gross: dict[str, float] = defaultdict(float)
    for _, owner, usd in contributions(answer):
        if owner is not None:
            gross[owner] += abs(usd)
    for owner, used in gross.items():
        assert used <= scale * limits.max_strategy_pct + slack, owner
    for position in answer["positions"]:
        parts = position["contributions"]
        if position["set_apart"]:
            assert not parts
        elif any(signal.symbol == position["symbol"] for signal in accepted(case)):
            assert abs(sum(p["final_usd"] for p in parts) - position["target_usd"]) <= slack
        else:
            assert not parts


def _assert_symbol_limits(
    usd: Mapping[str, float], limits: LimitParams, scale: float, slack: float
) -> None:
    for symbol, amount in usd.items():
        cap = min(limits.max_position_pct, limits.symbol_caps.get(symbol, math.inf))
        assert abs(amount) <= scale * cap + slack, symbol
    assert sum(map(abs, usd.values())) <= scale * limits.max_portfolio_pct + slack
    for group, cap in limits.group_caps.items():
        used = sum(abs(usd.get(symbol, 0.0)) for symbol in limits.groups[group])
        assert used <= scale * cap + slack, group


def assert_sides(case: Case, answer: Answer) -> None:
    """Promise 2: BUY is never a short, SELL never a long, shorts only where allowed."""
    dust = 1e-12 * case.batch.portfolio_value
    actions: dict[tuple[str, str | None], set[Action]] = defaultdict(set)
    for signal in accepted(case):
        actions[signal.symbol, signal.strategy_id].add(signal.action)
    for symbol, owner, usd in contributions(answer):
        if owner is not None and actions[symbol, owner] <= {*BUYS}:
            assert usd >= -dust, (symbol, owner)
        if owner is not None and actions[symbol, owner] <= {*SELLS}:
            assert usd <= dust, (symbol, owner)
    if not case.params.limits.allow_short:
        for name in ("allocations", "baseline_allocations"):
            assert all(usd >= 0.0 for usd in answer[name].values())
        assert all(usd >= 0.0 for _, _, usd in contributions(answer))
    if case.state is not TradingState.HALTED:
        _assert_symbol_sides(case, answer, dust)


def _assert_symbol_sides(case: Case, answer: Answer, dust: float) -> None:
    for symbol, signals in directional(case).items():
        actions = {signal.action for signal in signals}
        for name in ("allocations", "baseline_allocations"):
            usd = answer[name].get(symbol, 0.0)
            if actions <= {*BUYS}:
                assert usd >= -dust, symbol
            if actions <= {*SELLS}:
                assert usd <= dust, symbol
                assert case.params.limits.allow_short or usd == 0.0, symbol


def assert_held(case: Case, answer: Answer) -> None:
    """Promises 2 and 3: HOLD keeps what limits allow; every held symbol is answered."""
    batch, limits = case.batch, case.params.limits
    scale = cascade_multiplier(batch.cascade) * batch.portfolio_value
    slack = TOLERANCE * batch.portfolio_value
    held, signalled = held_usd(batch), directional(case)
    assert {*held} <= {*answer["allocations"]} & {*answer["baseline_allocations"]}
    gone, apart = closed(case), set_apart(case)
    for name in ("allocations", "baseline_allocations"):
        assert all(answer[name][symbol] == 0.0 for symbol in gone)
        assert not apart & answer[name].keys()
    fixed = held if case.state is TradingState.HALTED else {*held} - {*signalled} - gone
    total = sum(abs(usd) for usd in held.values())
    roomy = total <= scale * min(limits.max_strategy_pct, limits.max_portfolio_pct)
    for symbol in fixed:
        have = held[symbol]
        cap = scale * min(limits.max_position_pct, limits.symbol_caps.get(symbol, math.inf))
        wanted = 0.0 if have < 0.0 and not limits.allow_short else have
        for name in ("allocations", "baseline_allocations"):
            usd = answer[name][symbol]
            assert min(0.0, wanted) <= usd <= max(0.0, wanted), symbol
            if roomy and abs(wanted) <= cap and symbol not in _grouped(limits):
                assert usd == wanted, symbol
            if roomy and symbol not in _grouped(limits):
                _assert_kept_by_the_limit(case, symbol, usd, min(abs(wanted), cap) - slack)


def _assert_kept_by_the_limit(case: Case, symbol: str, usd: float, left: float) -> None:
    """Keep what a limit leaves, less a lot and a least trade; nothing is left below that."""
    trading, price = case.params.trading, usable(case.batch)[symbol]
    least = trading.default_min_notional_usd
    whole = left - least - trading.default_lot_size * price
    assert abs(usd) >= min(left, whole) or (usd == 0.0 and whole < least), symbol


def _grouped(limits: LimitParams) -> set[str]:
    return {symbol for members in limits.groups.values() for symbol in members}


def assert_trading_state(case: Case, answer: Answer) -> None:
    """Trading state: REDUCING stays between zero and the position, HALTED at it."""
    if case.state is TradingState.ACTIVE:
        return
    held = held_usd(case.batch)
    if case.batch.positions is None and cascade_multiplier(case.batch.cascade) > 0.0:
        assert answer["allocations"] == answer["baseline_allocations"] == {}
        assert any(case.state.value in warning for warning in answer["warnings"])
        return
    dust = 1e-12 * case.batch.portfolio_value
    for name in ("allocations", "baseline_allocations"):
        for symbol, usd in answer[name].items():
            have = held.get(symbol, 0.0)
            assert min(0.0, have) - dust <= usd <= max(0.0, have) + dust, symbol


def assert_phase2_only_reduces(case: Case, answer: Answer) -> None:
    """Promise 3: Phase 2 gives no symbol more than the largest size that asked for it."""
    trading = case.params.trading
    if trading.rebalance_span or trading.rebalance_half_life_sec or trading.no_trade_band_pct:
        return
    if case.params.trading.default_min_notional_usd or case.state is TradingState.HALTED:
        return
    largest: dict[str, float] = defaultdict(float)
    for position in answer["positions"]:
        for part in position["contributions"]:
            if part["strategy_id"] is not None:
                asked = abs(part["stages"]["cascade_usd"])
                largest[position["symbol"]] = max(largest[position["symbol"]], asked)
    slack = 1e-9 * case.batch.portfolio_value
    for symbol in directional(case):
        usd = answer["baseline_allocations"].get(symbol, 0.0)
        assert abs(usd) <= largest[symbol] + slack, symbol


def assert_fallback_is_phase2(answer: Answer) -> None:
    """Promise 3: without the policy the answer is Phase 2's."""
    if answer["strategy"] == "fallback":
        assert answer["fallback_reason"] is not None
        assert answer["allocations"] == answer["baseline_allocations"]
    else:
        assert answer["strategy"] == "rl"
        assert answer["fallback_reason"] is None


def assert_exit(case: Case, answer: Answer) -> None:
    """Promise 3: under EXIT every target is zero, held ones included."""
    if cascade_multiplier(case.batch.cascade) == 0.0:
        symbols = {signal.symbol for signal in accepted(case)} | {*held_units(case.batch)}
        for name in ("allocations", "baseline_allocations"):
            assert {*answer[name]} == symbols
            assert not any(answer[name].values())
        assert answer["total_allocated_usd"] == 0.0
        assert not any(usd for _, _, usd in contributions(answer))


def assert_consistent(case: Case, answer: Answer) -> None:
    """Totals, positions and allocations tell one story, in finite JSON numbers."""
    batch, usd = case.batch, answer["allocations"]
    value, slack = batch.portfolio_value, 1e-9 * batch.portfolio_value
    json.dumps(answer, allow_nan=False)
    assert answer["portfolio_value"] == value
    assert abs(answer["total_allocated_usd"] - sum(map(abs, usd.values()))) <= slack
    assert abs(answer["net_usd"] - sum(usd.values())) <= slack
    assert math.isclose(
        answer["utilization_pct"], 100.0 * sum(map(abs, usd.values())) / value, abs_tol=1e-9
    )
    apart = set_apart(case)
    assert [entry["symbol"] for entry in answer["positions"]] == sorted({*usd} | apart)
    for entry in answer["positions"]:
        assert entry["set_apart"] is (entry["symbol"] in apart)
        if entry["set_apart"]:
            _assert_set_apart(entry, batch)
        else:
            _assert_position(entry, batch, usd[entry["symbol"]])
    named = {notice["symbol"] for notice in answer["notices"] if notice["what"] == "set_apart"}
    assert named == apart
    assert (answer["set_apart_usd"] > 0.0) is bool(apart)
    assert {notice["detail"] for notice in answer["notices"]} <= {*answer["warnings"]}
    shares = answer["strategy_weights"].values()
    assert not shares or math.isclose(sum(shares), 1.0, abs_tol=1e-9)
    rejected = {entry["index"] for entry in answer["rejected_signals"]}
    kept = [s for place, s in enumerate(batch.signals) if place not in rejected]
    assert kept == accepted(case)
    assert (
        answer["cascade"]["recommendation"]
        == {
            1.0: "MONITOR",
            0.5: "REDUCE_50%",
            0.25: "REDUCE_75%",
            0.0: "EXIT",
        }[cascade_multiplier(batch.cascade)]
    )


def _assert_position(entry: dict[str, Any], batch: Batch, usd: float) -> None:
    have = (batch.positions or {}).get(entry["symbol"], 0.0)
    price, value = usable(batch).get(entry["symbol"]), batch.portfolio_value
    assert entry["price"] == price
    assert entry["price_source"] == ("none" if price is None else "given")
    assert entry["price_age_sec"] == (None if price is None else 0.0)
    if price is None:
        assert (usd, entry["target_quantity"], entry["trade_usd"]) == (0.0, 0.0, None)
        assert entry["trade_quantity"] == -have
        return
    near = {"rel_tol": 1e-9, "abs_tol": 1e-12 * value}
    assert entry["target_usd"] == usd
    assert math.isclose(entry["weight"], usd / value, rel_tol=1e-9, abs_tol=1e-15)
    assert math.isclose(entry["target_quantity"] * price, usd, **near)
    assert entry["current_quantity"] == have
    assert math.isclose(entry["trade_usd"], usd - have * price, **near)
    assert math.isclose(entry["trade_quantity"] * price, usd - have * price, **near)
    for part in entry["contributions"]:
        assert part["stages"]["final_usd"] == part["final_usd"]


def _assert_set_apart(entry: dict[str, Any], batch: Batch) -> None:
    have = held_units(batch)[entry["symbol"]]
    assert all(entry[name] is None for name in NULL_IF_SET_APART)
    assert entry["price_source"] == "none"
    assert entry["target_quantity"] == entry["current_quantity"] == have
    assert entry["trade_quantity"] == 0.0


def is_multiple(units: float, lot: float) -> bool:
    """Whether units are the number nearest to a whole count of the lot, written in decimals."""
    exact = Fraction(repr(lot))
    return float(round(Fraction(units) / exact) * exact) == units


def assert_trades_can_be_made(case: Case, answer: Answer) -> None:
    """Trade whole lots, or name them; trade the least notional and leave as much, or close."""
    lot = case.params.trading.default_lot_size
    least = case.params.trading.default_min_notional_usd * (1.0 - 1e-9)
    odd = {n["symbol"] for n in answer["notices"] if "no multiple of its lot" in n["detail"]}
    for entry in answer["positions"]:
        have, target = entry["current_quantity"], entry["target_quantity"]
        if entry["trade_quantity"] == 0.0:
            assert target == have
            continue
        # a lot that is a smaller part of the portfolio is finer than floating point can tell
        told = lot * (entry["price"] or 0.0) / case.batch.portfolio_value >= 2.0**-53
        if lot and (told or not target):
            assert is_multiple(target, lot), entry
            trade = entry["trade_quantity"]
            assert entry["symbol"] in odd or is_multiple(trade, lot) or trade == -have, entry
            fraction = abs(have / lot - round(have / lot))
            assert fraction <= 1e-8 + 1e-14 * abs(have / lot) or entry["symbol"] in odd, entry
        if least and target:
            assert abs(entry["trade_usd"]) >= least, entry
            assert abs(entry["target_usd"]) >= least, entry


def assert_all(case: Case, answer: Answer) -> None:
    """Every promise that one answer can show."""
    assert_consistent(case, answer)
    assert_limits(case, answer)
    assert_sides(case, answer)
    assert_held(case, answer)
    assert_trading_state(case, answer)
    assert_phase2_only_reduces(case, answer)
    assert_fallback_is_phase2(answer)
    assert_exit(case, answer)
    assert_trades_can_be_made(case, answer)
