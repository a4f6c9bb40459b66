"""Checks every answer against the contract's limits, knowing nothing of how it was made.

Nothing of the service is imported here: the brake is computed again from the indicators, the
limits from the request. A wrong answer is a sentence, never an exception.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from app.core.types import JsonObject

# contract: every limit holds within this fraction of portfolio value
TOLERANCE_PCT: Final = 1e-6
BRAKE: Final = {"MONITOR": 1.0, "REDUCE_50%": 0.5, "REDUCE_75%": 0.25, "EXIT": 0.0}


@dataclass(frozen=True, slots=True)
class Limits:
    """Hard limits as fractions of portfolio value; the defaults are the service's."""

    max_position_pct: float = 0.15
    max_strategy_pct: float = 0.40
    max_portfolio_pct: float = 0.80


def cascade_score(indicators: Mapping[str, float]) -> float:
    """Liquidation cascade score of design.md section 1.5, in [0, 1]."""
    funding = abs(indicators["funding_rate"])
    drop = max(0.0, -indicators["oi_change_pct"])
    volume = indicators["volume_ratio"]
    whales = indicators["onchain_whale_pressure"]
    netflow = abs(indicators["exchange_netflow_zscore"])
    parts = (
        (0.20, funding / 0.01 if funding > 0.003 else 0.0),
        (0.25, drop / 0.30 if drop > 0.10 else 0.0),
        (0.15, volume / 10.0 if volume > 5.0 else 0.0),
        (0.25, whales if whales > 0.7 else 0.0),
        (0.15, netflow / 4.0 if netflow > 2.0 else 0.0),
    )
    return round(sum(weight * min(1.0, part) for weight, part in parts), 9)


def brake_of(indicators: Mapping[str, float]) -> str:
    """Recommendation the contract demands for these indicators."""
    score = cascade_score(indicators)
    if score > 0.8:
        return "EXIT"
    if score > 0.6:
        return "REDUCE_75%"
    return "REDUCE_50%" if score > 0.4 else "MONITOR"


def violations_of(request: JsonObject, answer: JsonObject, limits: Limits) -> tuple[str, ...]:
    """Everything in an answer that breaks the contract; empty when all is well.

    Parameters
    ----------
    request, answer : dict
        The bodies of one ``POST /allocate``; the request names its portfolio value, shorts are off.
    limits : Limits
    """
    return tuple(_violations(request, answer, limits))


def _violations(request: JsonObject, answer: JsonObject, limits: Limits) -> Iterator[str]:
    value = request["portfolio_value"]
    tolerance = TOLERANCE_PCT * value
    brake = brake_of(request["cascade_indicators"])
    if answer["cascade"]["recommendation"] != brake:
        yield f"brake must be {brake}, was {answer['cascade']['recommendation']}"
    scale = BRAKE[brake] * value
    for name in ("allocations", "baseline_allocations"):
        yield from _limit_breaks(name, answer[name], limits, (scale, tolerance))
    yield from _strategy_breaks(answer, limits.max_strategy_pct * scale + tolerance)
    yield from _sum_breaks(request, answer, tolerance)
    yield from _sale_breaks(request, answer, tolerance)
    if answer["strategy"] == "fallback" and answer["allocations"] != answer["baseline_allocations"]:
        yield "a fallback answer must be Phase 2's allocation"


def _limit_breaks(
    name: str, targets: Mapping[str, float], limits: Limits, bounds: tuple[float, float]
) -> Iterator[str]:
    scale, tolerance = bounds
    most = limits.max_position_pct * scale
    for symbol, target in targets.items():
        if not math.isfinite(target):
            yield f"{name}: {symbol} must be finite, was {target}"
        elif target < -tolerance:
            yield f"{name}: {symbol} must not be short, was {target:.6f}"
        elif target > most + tolerance:
            yield f"{name}: {symbol} must be <= {most:.6f}, was {target:.6f}"
    gross = math.fsum(abs(target) for target in targets.values())
    if gross > limits.max_portfolio_pct * scale + tolerance:
        yield f"{name}: gross must be <= {limits.max_portfolio_pct * scale:.6f}, was {gross:.6f}"


def _strategy_breaks(answer: JsonObject, most_usd: float) -> Iterator[str]:
    gross: dict[str, float] = {}
    for position in answer["positions"]:
        for part in position["contributions"]:
            strategy = part["strategy_id"]
            if strategy is None:  # held, and no signal stands behind it
                continue
            gross[strategy] = gross.get(strategy, 0.0) + abs(part["final_usd"])
    for strategy, used in gross.items():
        if used > most_usd:
            yield f"strategy {strategy}: gross must be <= {most_usd:.6f}, was {used:.6f}"


def _sum_breaks(request: JsonObject, answer: JsonObject, tolerance: float) -> Iterator[str]:
    """Yield what does not add up: contributions, quantities, trades, totals."""
    signalled = {signal["symbol"] for signal in request["signals"]}
    prices, held = request["current_prices"], request["current_positions"]
    priced = [position for position in answer["positions"] if position["price"] is not None]
    targets = {position["symbol"]: position["target_usd"] for position in priced}
    if targets != answer["allocations"]:
        yield "positions and allocations must name the same targets"
    missing = sorted((signalled | held.keys()) - answer["allocations"].keys())
    if missing:
        yield f"every signalled and held symbol must be answered, {', '.join(missing)} missing"
    for position in priced:
        symbol, target = position["symbol"], position["target_usd"]
        parts = math.fsum(part["final_usd"] for part in position["contributions"])
        if symbol in signalled and abs(parts - target) > tolerance:
            yield f"contributions of {symbol} must add up to {target:.6f}, were {parts:.6f}"
        if abs(position["target_quantity"] * prices[symbol] - target) > tolerance:
            yield f"target quantity of {symbol} must be worth {target:.6f}"
        trade = target - held.get(symbol, 0.0) * prices[symbol]
        if abs(position["trade_usd"] - trade) > tolerance:
            yield f"trade of {symbol} must be {trade:.6f}, was {position['trade_usd']:.6f}"
    gross = math.fsum(abs(target) for target in targets.values())
    if abs(answer["total_allocated_usd"] - gross) > tolerance:
        yield f"total allocated must be {gross:.6f}, was {answer['total_allocated_usd']:.6f}"


def _sale_breaks(request: JsonObject, answer: JsonObject, tolerance: float) -> Iterator[str]:
    """Yield symbols that only SELL signals name and that are not closed (shorts are off)."""
    actions: dict[str, set[str]] = {}
    for signal in request["signals"]:
        actions.setdefault(signal["symbol"], set()).add(signal["action"])
    for symbol, named in actions.items():
        sold = bool(named & {"SELL", "STRONG_SELL"}) and not named & {"BUY", "STRONG_BUY"}
        target = answer["allocations"].get(symbol, 0.0)
        if sold and abs(target) > tolerance:
            yield f"{symbol} has SELL signals alone and must be closed, was {target:.6f}"
