"""What callers do in a few seconds so that every metric has something to say."""

import json
import math
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any, Final

from tests.grafana.servers import Servers

SYMBOLS: Final = ("BTC-USD", "ETH-USD", "SOL-USD")
STRATEGIES: Final = ("momentum", "carry")
CALM: Final = {
    "funding_rate": 0.001,
    "oi_change_pct": 0.05,
    "volume_ratio": 2.0,
    "onchain_whale_pressure": 0.3,
    "exchange_netflow_zscore": 0.5,
}
# 0.20 + 0.25 x 2/3 + 0.15 x 0.8: halves sizes and limits
STORMY: Final = CALM | {"funding_rate": 0.02, "oi_change_pct": -0.2, "volume_ratio": 8.0}
# regimes count periods of a minute
_STEP_NS: Final = 60_000_000_000
_BEGAN_NS: Final = 6 * 3_600_000_000_000
_ORDINARY: Final = 60
_FAILURES: Final = 7


class Load:
    """One caller of the service who follows a script.

    Parameters
    ----------
    servers : Servers
    """

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._connection = HTTPConnection("127.0.0.1", servers.service_port, timeout=30.0)
        self._now_ns = time.time_ns() - _BEGAN_NS
        self.decisions: list[dict[str, Any]] = []

    def play(self) -> None:
        """Play the whole script: trade, learn, strain, lose the policy, find it again."""
        for place in range(_ORDINARY):
            self.decide(place)
        self._learn()
        self._strain()
        self._lose_the_policy()
        self._find_the_policy()

    def close(self) -> None:
        """End the connection; another request opens one anew."""
        self._connection.close()

    def decide(self, place: int, **changes: Any) -> dict[str, Any]:
        """Post one batch at the next moment; prices move together, so symbols correlate."""
        self._now_ns += _STEP_NS
        answer = self.ask("POST", "/allocate", self._batch(place) | changes)
        self.decisions.append(answer)
        return answer

    def ask(
        self, method: str, path: str, body: dict[str, Any], key: str | None = None
    ) -> dict[str, Any]:
        """Send one request.

        Raises
        ------
        AssertionError
            If the answer is not 200.
        """
        headers = {"content-type": "application/json"} | ({"idempotency-key": key} if key else {})
        self._connection.request(method, path, json.dumps(body), headers)
        answer = self._connection.getresponse()
        content: dict[str, Any] = json.loads(answer.read())
        assert answer.status == 200, content
        return content

    def _batch(self, place: int) -> dict[str, Any]:
        wave = 1.0 + 0.02 * math.sin(1.7 * place)
        return {
            "signals": [self._signal(name, s, place) for name in STRATEGIES for s in SYMBOLS],
            "cascade_indicators": CALM,
            "current_prices": dict.fromkeys(SYMBOLS, 100.0 * wave),
            "portfolio_value": 100_000.0,
        }

    def _signal(self, strategy: str, symbol: str, place: int) -> dict[str, Any]:
        # a regime of one period is abandoned, one of many periods confirmed
        one_off = place % 10 == 5
        regime = "HIGH_VOLATILITY" if one_off else ("RANGING" if place < 30 else "TRENDING_UP")
        return {
            "strategy_id": strategy,
            "symbol": symbol,
            "action": "BUY",
            "confidence": 0.8,
            "risk_score": 0.25,
            "regime": regime,
            "timestamp_ns": self._now_ns,
            "expected_return": 0.002,
            "predicted_volatility": 0.05,
        }

    def _greedy(self, strategy: str, symbol: str) -> dict[str, Any]:
        return self._signal(strategy, symbol, 0) | {"expected_return": 0.3}

    def _learn(self) -> None:
        outcomes = list(self._outcomes())
        self.ask("POST", "/outcomes", {"outcomes": outcomes})
        unknown = outcomes[0] | {"decision_id": "unknown"}
        self.ask("POST", "/outcomes", {"outcomes": [outcomes[0], unknown]})
        unpaired = [
            {"symbol": SYMBOLS[0], "realized_return": value, "used_rl": used}
            for value in (0.01, -0.005, 0.02)
            for used in (True, False)
        ]
        self.ask("POST", "/outcomes", {"outcomes": unpaired})

    def _outcomes(self) -> Iterator[dict[str, Any]]:
        for place, decision in enumerate(self.decisions):
            for symbol in SYMBOLS:
                yield {
                    "decision_id": decision["decision_id"],
                    "symbol": symbol,
                    "realized_return": 0.06 * math.sin(2.3 * place),
                }

    def _strain(self) -> None:
        """Ask for more than limits allow, for what has no price, in a storm, and twice."""
        alone = self._greedy("momentum", "BTC-USD")
        self.decide(0, signals=[alone, self._signal("carry", "NO-PRICE", 0)])
        self.decide(0, cascade_indicators=STORMY)
        self.decide(0, signals=[])
        again = self._batch(0)
        first, second = (self.ask("POST", "/allocate", again, "once") for _ in range(2))
        assert first == second

    def _lose_the_policy(self) -> None:
        self._servers.hang()
        reasons = [self.decide(place)["fallback_reason"] for place in range(_FAILURES)]
        self._servers.go_on()
        assert {"timeout", "circuit_open"} <= set(reasons), reasons

    def _find_the_policy(self) -> None:
        deadline = time.monotonic() + 20.0
        place = 0
        while self.decide(place)["strategy"] != "rl":
            place += 1
            assert time.monotonic() < deadline, "the policy was not asked again"
            time.sleep(0.1)
        # gauges show the last decision: one that fills the portfolio's limit
        coins = [f"COIN{number}" for number in range(20)]
        crowd = [self._greedy(f"greedy{place % 4}", coin) for place, coin in enumerate(coins)]
        self.decide(0, signals=crowd, current_prices=dict.fromkeys(coins, 10.0))
