"""A desk's day in batches: eight symbols, four strategies, prices that move together, outcomes."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

PRICES = {
    "BTC-USD": 43500.0,
    "ETH-USD": 2310.0,
    "SOL-USD": 98.4,
    "ADA-USD": 0.52,
    "AVAX-USD": 35.7,
    "LINK-USD": 14.2,
    "DOT-USD": 7.31,
    "LTC-USD": 71.9,
}
STRATEGIES = ("momentum", "carry", "reversal", "breakout")
REGIMES = ("TRENDING_UP", "RANGING", "RANGING", "TRENDING_DOWN", "HIGH_VOLATILITY")
_MINUTE_NS = 60_000_000_000


@dataclass
class Desk:
    """Makes batches and knows what comes of prices."""

    seed: int = 7
    prices: dict[str, float] = field(default_factory=lambda: dict(PRICES))
    positions: dict[str, float] = field(default_factory=dict)
    returns: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)
        self._foresee()

    def move(self) -> dict[str, float]:
        """Let an hour pass and say what it brought: one market factor, and each symbol's own."""
        came = self.returns
        for symbol, moved in came.items():
            self.prices[symbol] *= 1.0 + moved
        self._foresee()
        return came

    def _foresee(self) -> None:
        market = self._draw.gauss(0.0004, 0.006)
        self.returns = {symbol: market + self._draw.gauss(0.0, 0.008) for symbol in self.prices}

    def batch(self, timestamp_ns: int, *, calm: bool = True) -> dict[str, Any]:
        """Make the signals of a moment."""
        draw = self._draw
        symbols = draw.sample(list(self.prices), k=draw.randint(4, 7))
        signals = [
            self._signal(strategy, symbol, timestamp_ns)
            for symbol in symbols
            for strategy in draw.sample(STRATEGIES, k=draw.randint(1, 3))
        ]
        return {
            "signals": signals,
            "cascade_indicators": {
                "funding_rate": 0.0004 if calm else 0.006,
                "oi_change_pct": -0.02 if calm else -0.22,
                "volume_ratio": 1.5 if calm else 7.5,
                "onchain_whale_pressure": 0.3 if calm else 0.75,
                "exchange_netflow_zscore": 0.5,
            },
            "current_prices": {symbol: round(price, 6) for symbol, price in self.prices.items()},
            "portfolio_value": 250_000,
            "current_positions": dict(self.positions),
        }

    def _signal(self, strategy: str, symbol: str, timestamp_ns: int) -> dict[str, Any]:
        draw = self._draw
        volatility = round(draw.uniform(0.012, 0.03), 4)
        return {
            "strategy_id": strategy,
            "symbol": symbol,
            "action": self._action(symbol),
            "confidence": round(draw.uniform(0.5, 0.95), 2),
            "risk_score": round(draw.uniform(0.1, 0.6), 2),
            "regime": draw.choice(REGIMES),
            "timestamp_ns": timestamp_ns,
            "expected_return": round(draw.uniform(0.0002, 0.0016) * (volatility / 0.02), 5),
            "predicted_volatility": volatility,
            "sentiment_score": round(draw.uniform(0.2, 0.9), 2),
            "sentiment_confidence": 0.7,
        }

    def _action(self, symbol: str) -> str:
        """Look ahead a little: right in somewhat more than half of all cases."""
        draw = self._draw
        if draw.random() < 0.08:
            return "HOLD"
        right = draw.random() < 0.56
        up = (self.returns[symbol] > 0.0) is right
        return draw.choice(("BUY", "BUY", "STRONG_BUY")) if up else "SELL"


def feed(client: httpx.Client, decisions: int, desk: Desk | None = None) -> list[dict[str, Any]]:
    """Play a number of decisions and their outcomes; returns the answers."""
    return list(_played(client, desk or Desk(), decisions))


def _played(client: httpx.Client, desk: Desk, decisions: int) -> Iterator[dict[str, Any]]:
    start_ns = time.time_ns() - (decisions + 1) * _MINUTE_NS
    for hour in range(decisions):
        batch = desk.batch(start_ns + hour * _MINUTE_NS, calm=hour % 40 != 27)
        if hour % 9 == 4:
            batch["current_prices"].pop(batch["signals"][0]["symbol"])
            batch["current_positions"].pop(batch["signals"][0]["symbol"], None)
        answer = _posted(client, "/allocate", batch)
        desk.positions = {
            position["symbol"]: position["target_quantity"]
            for position in answer["positions"]
            if position["target_quantity"]
        }
        came = desk.move()
        outcomes = [
            {
                "decision_id": answer["decision_id"],
                "symbol": symbol,
                "realized_return": came[symbol],
            }
            for symbol in answer["allocations"]
        ]
        if outcomes and hour < decisions - 1:
            _posted(client, "/outcomes", {"outcomes": outcomes})
        yield answer


def _posted(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer
