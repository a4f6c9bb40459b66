"""A service of a few lines that speaks the contract, for the demo's own tests.

It sizes by capped Kelly, one signal a symbol at a time, scales down to the limits and smooths.
``application`` is the ASGI form for uvicorn; ``FakeService.answer`` is the same without sockets.
"""

import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from app.core.types import JsonObject

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
POSITION, STRATEGY, PORTFOLIO, KELLY = 0.15, 0.40, 0.80, 0.25
BUYS = {"BUY", "STRONG_BUY"}
SELLS = {"SELL", "STRONG_SELL"}


def brake(cascade: dict[str, float]) -> tuple[str, float, float]:
    """Recommendation, multiplier and score, from open interest, volume, whales and netflow."""
    drop, whales = -cascade["oi_change_pct"], cascade["onchain_whale_pressure"]
    volume, netflow = cascade["volume_ratio"], abs(cascade["exchange_netflow_zscore"])
    score = 0.25 * (min(1.0, drop / 0.3) if drop > 0.1 else 0.0)
    score += 0.15 * (min(1.0, volume / 10) if volume > 5 else 0.0)
    score += 0.25 * (whales if whales > 0.7 else 0.0)
    score += 0.15 * (min(1.0, netflow / 4) if netflow > 2 else 0.0)
    if score > 0.6:
        return "REDUCE_75%", 0.25, score
    return ("REDUCE_50%", 0.5, score) if score > 0.4 else ("MONITOR", 1.0, score)


@dataclass
class FakeService:
    """State of one fake service.

    ``opinion`` is the policy's reason; ``spoil`` may change an answer before it is sent.
    """

    span: float = 0.0
    mode: str = "fallback"
    failures: int = 0
    requests: list[JsonObject] = field(default_factory=list)
    outcomes: list[JsonObject] = field(default_factory=list)
    closes: list[JsonObject] = field(default_factory=list)
    abstains: bool = False
    opinion: str = "not accepted: long_flat did not pass its report"
    spoil: Callable[[JsonObject], None] = lambda _answer: None

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, JsonObject]:
        match (method, path):
            case ("GET", "/health/ready"):
                return 200, {"status": "ready"}
            case ("GET", "/performance"):
                paired = {"n": 0, "mean_difference": None, "ci_low": None, "ci_high": None}
                return 200, {"rl_advantage": None, "paired": paired}
            case ("POST", "/outcomes"):
                batch = orjson.loads(body)["outcomes"]
                self.outcomes += batch
                return 200, {"accepted": len(batch), "duplicates": 0, "rejected": []}
            case ("POST", "/market/prices"):
                self.closes.append(orjson.loads(body))
                return 200, {}
            case ("POST", "/allocate"):
                request = orjson.loads(body)
                self.requests.append(request)
                reply = self.allocate(request)
                self.spoil(reply)
                return 200, reply
        return self.decision() if path.startswith("/decisions/") else (404, {"title": "not found"})

    def decision(self) -> tuple[int, JsonObject]:
        return 200, {"policy": {"predictions": [{"reason": self.opinion}, None, {"reason": None}]}}

    def allocate(self, request: JsonObject) -> JsonObject:
        value, held = request["portfolio_value"], request["current_positions"]
        prices = request["current_prices"]
        recommendation, multiplier, score = brake(request["cascade_indicators"])
        parts = self.parts(request, multiplier)
        positions = []
        for symbol, shares in parts.items():
            target = sum(shares.values())
            current = held.get(symbol, 0.0) * prices[symbol]
            positions.append(
                {
                    "symbol": symbol,
                    "target_usd": target,
                    "target_quantity": target / prices[symbol],
                    "weight": target / value,
                    "trade_usd": target - current,
                    "price": prices[symbol],
                    "contributions": [
                        {"strategy_id": name, "final_usd": usd} for name, usd in shares.items()
                    ],
                }
            )
        allocations = {each["symbol"]: each["target_usd"] for each in positions}
        gross = sum(allocations.values())
        return {
            "decision_id": f"d{len(self.requests)}",
            "strategy": "rl" if self.mode == "mock" else "fallback",
            "fallback_reason": self.reason(),
            "mode": self.mode,
            "allocations": allocations,
            "baseline_allocations": dict(allocations),
            "positions": positions,
            "total_allocated_usd": gross,
            "utilization_pct": 100 * gross / value,
            "binding_limits": [{"limit": "portfolio", "id": "portfolio"}] if gross else [],
            "cascade": {"risk_score": score, "recommendation": recommendation},
            "circuit_state": "open" if self.failures > 5 else "closed",
            "latency_ms": 0.1,
        }

    def reason(self) -> str | None:
        if self.mode == "mock":
            return None
        if self.mode == "fallback":
            return "rl_disabled"
        if self.abstains:
            return "low_confidence"
        self.failures += 1
        return "circuit_open" if self.failures > 5 else "timeout"

    def parts(self, request: JsonObject, multiplier: float) -> dict[str, dict[str, float]]:
        """USD by symbol and strategy, within the limits."""
        value = request["portfolio_value"]
        share = {"position": POSITION * multiplier * value}
        speed = 2 / (self.span + 1) if self.span else 1.0
        parts: dict[str, dict[str, float]] = {}
        actions: dict[str, set[str]] = {}
        for signal in request["signals"]:
            mu, sigma = signal["expected_return"], signal["predicted_volatility"]
            size = KELLY * mu / sigma**2 if signal["action"] in BUYS else 0.0
            usd = min(size * multiplier * value, share["position"]) / 3
            parts.setdefault(signal["symbol"], {})[signal["strategy_id"]] = usd
            actions.setdefault(signal["symbol"], set()).add(signal["action"])
        for symbol, shares in parts.items():
            named = actions[symbol]
            if named & SELLS and not named & BUYS:
                shares.update(dict.fromkeys(shares, 0.0))
                continue
            price = request["current_prices"][symbol]
            now = request["current_positions"].get(symbol, 0.0) * price / len(shares)
            for name, usd in shares.items():
                shares[name] = min(now + speed * (usd - now), share["position"] / len(shares))
        gross = sum(sum(shares.values()) for shares in parts.values())
        # a strategy never holds more than half of the portfolio's room, so its own limit holds too
        factor = min(1.0, STRATEGY * multiplier * value / gross) if gross else 1.0
        return {s: {n: factor * usd for n, usd in shares.items()} for s, shares in parts.items()}


def client_of(service: FakeService) -> httpx.Client:
    """Client that reaches the fake without a socket."""

    def respond(request: httpx.Request) -> httpx.Response:
        status, body = service.answer(request.method, request.url.path, request.content)
        return httpx.Response(status, content=orjson.dumps(body))

    return httpx.Client(base_url="http://fake", transport=httpx.MockTransport(respond))


def _from_environment() -> FakeService:
    mode = "real" if os.environ.get("HIMARI_ENABLE_RL") == "true" else "fallback"
    if mode == "real" and os.environ.get("HIMARI_USE_MOCK_RL") == "true":
        mode = "mock"
    # the demo gives a deadline of its own to the dead endpoint alone
    abstains = mode == "real" and "HIMARI_RL_TIMEOUT_SEC" not in os.environ
    span = float(os.environ.get("HIMARI_REBALANCE_SPAN", "0"))
    return FakeService(span, mode, abstains=abstains)


SERVICE = _from_environment()


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve the fake over ASGI, as ``tests.demo.fake_service:application``."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    status, answer = SERVICE.answer(scope["method"], scope["path"], body)
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(answer)})


def is_listening(port: int) -> bool:
    """Whether something accepts connections on that loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
