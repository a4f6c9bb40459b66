"""The honest stream beside which somebody lies: drawn once from a seed, whatever is answered."""

import random
from dataclasses import dataclass
from typing import Any, Final

SYMBOLS: Final = ("AAPL", "BTC-USD", "ETH-USD", "EUR-USD", "GLD", "MSFT", "SPY", "TLT")
STRATEGIES: Final = ("carry", "momentum", "reversal")
STEP_SEC: Final = 300
HOUR_STEPS: Final = 3600 // STEP_SEC
FIRST_VALUE_USD: Final = 100_000.0
# of one step: what all symbols share, and what is each one's own
_COMMON_SIGMA: Final = 0.003
_OWN_SIGMA: Final = 0.005
_ACTIONS: Final = ("BUY",) * 15 + ("SELL",) * 3 + ("HOLD",) * 2
CALM: Final = {
    "funding_rate": 0.0,
    "oi_change_pct": 0.0,
    "volume_ratio": 1.0,
    "onchain_whale_pressure": 0.0,
    "exchange_netflow_zscore": 0.0,
}


@dataclass(frozen=True, slots=True)
class Step:
    """Five minutes of the honest stream.

    Attributes
    ----------
    prices : dict of symbol to USD a unit
        True ones, of every symbol.
    given : dict of symbol to USD a unit
        Those of them that the batch names: a feed has gaps.
    signals : tuple of dict
        As they are posted, but for their stamp.
    """

    prices: dict[str, float]
    given: dict[str, float]
    signals: tuple[dict[str, Any], ...]


def draw_steps(seed: int, count: int) -> list[Step]:
    """Draw steps: geometric walks with a common part, and signals on a part of them."""
    rng = random.Random(seed)
    prices = {symbol: 10.0 ** rng.uniform(0.0, 4.5) for symbol in SYMBOLS}
    steps = []
    for _ in range(count):
        common = rng.gauss(0.0, _COMMON_SIGMA)
        prices = {
            symbol: price * (1.0 + common + rng.gauss(0.0, _OWN_SIGMA))
            for symbol, price in prices.items()
        }
        given = {symbol: price for symbol, price in prices.items() if rng.random() < 0.9}
        signals = [
            draw_signal(rng, strategy, symbol)
            for symbol in SYMBOLS
            for strategy in STRATEGIES
            if rng.random() < 0.25
        ]
        steps.append(Step(prices, given, tuple(signals)))
    return steps


def draw_signal(rng: random.Random, strategy: str, symbol: str) -> dict[str, Any]:
    """Draw one signal without its stamp; carry leaves the volatility to what is known."""
    alone = strategy == "carry"
    return {
        "strategy_id": strategy,
        "symbol": symbol,
        "action": rng.choice(_ACTIONS),
        "confidence": rng.uniform(0.5, 0.9),
        "risk_score": 0.2,
        "regime": "RANGING",
        "expected_return": rng.uniform(5e-6, 3e-5) if alone else rng.uniform(2e-4, 8e-4),
        "predicted_volatility": None if alone else rng.uniform(0.02, 0.04),
    }


class Account:
    """What the honest caller holds: every target is filled at the true price.

    Attributes
    ----------
    quantities : dict of symbol to units
    """

    def __init__(self) -> None:
        self.quantities: dict[str, float] = {}
        self._cash = FIRST_VALUE_USD

    def value_usd(self, prices: dict[str, float]) -> float:
        """Return cash and holdings at these prices; a ruined account is worth a dollar."""
        held = sum(units * prices[name] for name, units in self.quantities.items())
        return max(self._cash + held, 1.0)

    def trade_to(self, targets: dict[str, float], prices: dict[str, float]) -> None:
        """Fill targets in units; a symbol that is not named is kept."""
        for symbol, units in targets.items():
            before = self.quantities.get(symbol, 0.0)
            self._cash -= (units - before) * prices[symbol]
            self.quantities[symbol] = units
        self.quantities = {name: units for name, units in self.quantities.items() if units}


def batch_body(
    step: Step, now_ns: int, value_usd: float, quantities: dict[str, float]
) -> dict[str, Any]:
    """Make the body of the batch of one step."""
    return {
        "signals": [signal | {"timestamp_ns": now_ns} for signal in step.signals],
        "cascade_indicators": CALM,
        "current_prices": step.given,
        "portfolio_value": value_usd,
        "current_positions": quantities,
    }


def outcomes_body(decision_id: str, then: Step, now: Step) -> dict[str, Any]:
    """Make the outcomes of a decision of an hour ago, of the symbols that had signals."""
    symbols = sorted({signal["symbol"] for signal in then.signals})
    return {
        "outcomes": [
            {
                "decision_id": decision_id,
                "symbol": symbol,
                "realized_return": now.prices[symbol] / then.prices[symbol] - 1.0,
            }
            for symbol in symbols
        ]
    }
