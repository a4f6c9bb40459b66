"""Batches of distinct symbols, the same for every measurement."""

from typing import Any, Final

START_NS: Final = 1_735_226_000_000_000_000
CALM: Final = {
    "funding_rate": 0.001,
    "oi_change_pct": 0.05,
    "volume_ratio": 2.0,
    "onchain_whale_pressure": 0.30,
    "exchange_netflow_zscore": 0.5,
}


def wire_signals(count: int, step: int = 0) -> list[dict[str, Any]]:
    """Buys of five strategies on distinct symbols; ``step`` moves the time on by minutes."""
    return [
        {
            "strategy_id": f"strategy-{place % 5}",
            "symbol": f"SYM{place:04d}",
            "action": "BUY",
            "confidence": 0.6 + 0.05 * (place % 7),
            "risk_score": 0.25,
            "regime": "RANGING",
            "timestamp_ns": START_NS + step * 60_000_000_000,
            "expected_return": 0.02 + 0.001 * (place % 11),
            "predicted_volatility": 0.20 + 0.01 * (place % 13),
            "sentiment_score": 0.7,
            "sentiment_confidence": 0.8,
        }
        for place in range(count)
    ]


def prices(count: int, step: int = 0) -> dict[str, float]:
    """Prices that move a little with every step, each symbol in its own way."""
    return {
        f"SYM{place:04d}": 100.0 + place + ((place * 7919 + step * 104_729) % 1000) / 500.0
        for place in range(count)
    }


def wire_batch(count: int, step: int = 0) -> dict[str, Any]:
    """Body of ``POST /allocate``."""
    return {
        "signals": wire_signals(count, step),
        "cascade_indicators": CALM,
        "current_prices": prices(count, step),
        "portfolio_value": 100_000.0,
    }
