"""The other endpoints: what reaches the service, what comes back, what is refused."""

from typing import Any

import pytest

from app.core.types import Outcome, TradingState
from app.pipeline.ports import DecisionQuery
from tests.api.site import Site, build_site

NOW = 1_735_226_000_000_000_000
DAY = 86_400 * 10**9
Y2K = 946_684_800 * 10**9

TAKEN: list[tuple[str, str, Any, tuple[Any, ...]]] = [
    ("POST", "/outcomes",
     {"outcomes": [{"decision_id": "d", "symbol": "B", "realized_return": -1}]},
     ("record_outcomes", [Outcome("B", -1.0, "d")])),
    ("POST", "/outcomes",
     {"outcomes": [{"symbol": "B", "realized_return": 0.1, "used_rl": True, "decision_id": None}]},
     ("record_outcomes", [Outcome("B", 0.1, used_rl=True)])),
    ("POST", "/outcomes", {"outcomes": []}, ("record_outcomes", [])),
    ("POST", "/market/returns", {"timestamp_ns": Y2K, "returns": {"B": 0.02}},
     ("observe_returns", Y2K, {"B": 0.02})),
    ("POST", "/market/prices", {"timestamp_ns": NOW + 9 * DAY, "prices": {"B": 2}},
     ("observe_prices", NOW + 9 * DAY, {"B": 2.0})),
    ("POST", "/market/prices", {"timestamp_ns": NOW, "prices": {"A": None, "B": 0, "C": -1.5}},
     ("observe_prices", NOW, {"A": None, "B": 0.0, "C": -1.5})),
    ("POST", "/market/accept", {"symbol": "B", "price": 2, "reason": "r"},
     ("accept_price", "B", 2.0, "r", "")),
    ("POST", "/market/split",
     {"symbol": "B", "ratio": 0.1, "reason": "r" * 500, "portfolio_id": "default"},
     ("split_symbol", "B", 0.1, "r" * 500, "")),
    ("POST", "/market/forget", {"symbol": "B", "reason": "r", "portfolio_id": None},
     ("forget_symbol", "B", "r", "")),
    ("POST", "/outcomes/withdraw",
     {"outcomes": [{"decision_id": "d", "symbol": "B"}], "reason": "r"},
     ("withdraw_outcomes", [("d", "B")], "r", "")),
    ("GET", "/signals", None, ("in_force",)),
    ("DELETE", "/signals/mean", None, ("end", "mean", None, None, "")),
    ("DELETE", "/signals/desk/mean%2Fslow?symbol=A%2FB", None,
     ("end", "desk/mean/slow", "A/B", None, "")),
    ("PUT", "/trading-state", {"state": "halted"},
     ("set_trading_state", TradingState.HALTED, None, "")),
    ("PUT", "/trading-state", {"state": "REDUCING", "reason": "a\nb"},
     ("set_trading_state", TradingState.REDUCING, "a\nb", "")),
    ("PUT", "/trading-state", {"state": "HALTED", "flatten": True, "rebase": True},
     ("set_trading_state", TradingState.HALTED, None, "", "flatten", "rebase")),
    ("PUT", "/trading-state", {"state": "HALTED", "if_state_is": "active",
                               "portfolio_id": "default"},
     ("set_trading_state", TradingState.HALTED, None, "")),
    ("GET", "/trading-state?portfolio_id=default", None, ("trading_state",)),
    ("PUT", "/circuit", {"mode": "forced_open", "reason": None},
     ("set_circuit_mode", "forced_open", None, "")),
    ("PUT", "/circuit", {"mode": "AUTO"}, ("set_circuit_mode", "auto", None, "")),
    ("POST", "/circuit/reset", {"reason": "why"}, ("reset_circuit", "why", "")),
    ("POST", "/circuit/reset", None, ("reset_circuit", None, "")),
    ("GET", "/circuit", None, ("circuit",)),
    ("GET", "/performance", None, ("performance",)),
    ("GET", "/state", None, ("state",)),
    ("GET", "/trading-state", None, ("trading_state",)),
    ("GET", "/portfolio/risk-budget", None, ("risk_budget",)),
    ("GET", "/portfolio/correlations", None, ("correlations", None)),
    ("GET", "/portfolio/correlations?symbols=A-USD,B", None, ("correlations", ("A-USD", "B"))),
    ("GET", "/decisions/known", None, ("decision", "known")),
    ("GET", "/decisions", None, ("decisions", DecisionQuery())),
    ("GET", "/decisions?limit=1000&before_seq=7&strategy=rl&symbol=B&strategy_id=s", None,
     ("decisions", DecisionQuery(1000, 7, "rl", symbol="B", strategy_id="s"))),
    ("GET", "/decisions?since_ns=1&until_ns=2&fallback_reason=timeout", None,
     ("decisions", DecisionQuery(fallback_reason="timeout", since_ns=1, until_ns=2))),
]  # fmt: skip
REFUSED: list[tuple[str, str, Any, str]] = [
    ("POST", "/outcomes", {}, "outcomes"),
    ("POST", "/outcomes", {"outcomes": {}}, "outcomes"),
    ("POST", "/outcomes", {"outcomes": [{"symbol": "B"}]}, "outcomes.0.realized_return"),
    ("POST", "/outcomes", {"outcomes": [{"symbol": "B", "realized_return": -1.01}]},
     "outcomes.0.realized_return"),
    ("POST", "/outcomes", {"outcomes": [{"symbol": "B", "realized_return": 0, "used_rl": 1}]},
     "outcomes.0.used_rl"),
    ("POST", "/outcomes", {"outcomes": [{"symbol": "B", "realized_return": 0, "x": 1}]},
     "outcomes.0.x"),
    ("POST", "/outcomes",
     {"outcomes": [{"symbol": "B", "realized_return": 0, "predicted_volatility": 0}]},
     "outcomes.0.predicted_volatility"),
    ("POST", "/outcomes/withdraw", {"outcomes": [{"decision_id": "d"}], "reason": "r"},
     "outcomes.0.symbol"),
    ("POST", "/outcomes/withdraw", {"outcomes": []}, "reason"),
    ("POST", "/market/accept", {"symbol": "B", "price": 0, "reason": "r"}, "price"),
    ("POST", "/market/accept", {"symbol": "B", "price": None, "reason": "r"}, "price"),
    ("POST", "/market/accept", {"symbol": "B", "price": 1}, "reason"),
    ("POST", "/market/split", {"symbol": "B", "ratio": -2, "reason": "r"}, "ratio"),
    ("POST", "/market/split", {"symbol": "B", "ratio": 2, "reason": ""}, "reason"),
    ("POST", "/market/forget", {"symbol": "B", "reason": "x" * 501}, "reason"),
    ("POST", "/market/forget", {"symbol": "B", "reason": None}, "reason"),
    ("POST", "/market/returns", {"timestamp_ns": NOW, "returns": {"B": -1.5}}, "returns.B"),
    ("POST", "/market/returns", {"returns": {}}, "timestamp_ns"),
    ("POST", "/market/returns", {"timestamp_ns": Y2K - 1, "returns": {}}, "timestamp_ns"),
    ("POST", "/market/prices", {"timestamp_ns": NOW, "prices": {"B": "1"}}, "prices.B"),
    ("POST", "/market/prices", {"timestamp_ns": NOW, "prices": {}, "x": 1}, "x"),
    ("PUT", "/trading-state", {"state": "STOPPED"}, "state"),
    ("PUT", "/trading-state", {"state": "HALTED", "reason": "a\x00"}, "reason"),
    ("PUT", "/trading-state", {"state": "HALTED", "reason": "x" * 501}, "reason"),
    ("PUT", "/trading-state", {"state": "HALTED", "flatten": 1}, "flatten"),
    ("PUT", "/trading-state", {"state": "HALTED", "if_state_is": "OFF"}, "if_state_is"),
    ("PUT", "/trading-state", {"state": "HALTED", "portfolio_id": ""}, "portfolio_id"),
    ("PUT", "/circuit", {"mode": "open"}, "mode"),
    ("PUT", "/circuit", {}, "mode"),
    ("POST", "/circuit/reset", {"reson": "x"}, "reson"),
    ("GET", "/decisions?limit=0", None, "query.limit"),
    ("GET", "/decisions?limit=1001", None, "query.limit"),
    ("GET", "/decisions?limit=5.0", None, "query.limit"),
    ("GET", "/decisions?limit=+5", None, "query.limit"),
    ("GET", "/decisions?limit=", None, "query.limit"),
    ("GET", "/decisions?limit=1&limit=2", None, "query.limit"),
    ("GET", "/decisions?lmit=1", None, "query.lmit"),
    ("GET", "/decisions?strategy=RL", None, "query.strategy"),
    ("GET", "/decisions?symbol=%00", None, "query.symbol"),
    ("GET", "/decisions?before_seq=9223372036854775808", None, "query.before_seq"),
    ("GET", "/decisions?" + "&".join(f"a{n}=1" for n in range(40)), None, "query"),
    ("GET", "/portfolio/correlations?symbols=A,,B", None, "query.symbols.1"),
    ("GET", "/portfolio/weights.csv?limit=100001", None, "query.limit"),
    ("GET", "/circuit?x=1", None, "query.x"),
    ("GET", "/signals?symbol=A", None, "query.symbol"),
    ("DELETE", "/signals/a?symbol=", None, "query.symbol"),
    ("DELETE", "/signals/a?reason=x", None, "query.reason"),
    ("GET", "/state?x=1", None, "query.x"),
    ("POST", "/allocate?dry_run=yes", {}, "query.dry_run"),
    ("POST", "/allocate?dryrun=true", {}, "query.dryrun"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "url", "body", "call"), TAKEN)
async def test_a_valid_request_reaches_the_service(
    site: Site, method: str, url: str, body: Any, call: tuple[Any, ...]
) -> None:
    answer = await site.client.request(method, url, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert site.service.calls == [call]


@pytest.mark.parametrize(("method", "url", "body", "path"), REFUSED)
async def test_an_invalid_request_is_refused_at_its_path(
    site: Site, method: str, url: str, body: Any, path: str
) -> None:
    answer = await site.client.request(method, url, json=body)
    assert answer.status_code == 422, answer.text
    assert [error["path"] for error in answer.json()["errors"]] == [path]
    assert site.service.calls == []


async def test_weights_stream_as_csv(site: Site) -> None:
    answer = await site.client.get("/portfolio/weights.csv?symbol=B")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text == "timestamp_ns,weight\r\n1,0.5\r\n"
    assert site.service.calls == [("weights_csv", DecisionQuery(limit=1000, symbol="B"))]


async def test_readiness_says_what_is_missing(site: Site) -> None:
    assert (await site.client.get("/health/ready")).json()["status"] == "ready"
    site.service.operating.is_ready = False
    answer = await site.client.get("/health/ready")
    assert (answer.status_code, answer.json()["journal"]) == (503, "disk full")


async def test_liveness(site: Site) -> None:
    assert (await site.client.get("/health/live")).json() == {"status": "alive"}


async def test_metrics_answer_in_the_format_asked_for(site: Site) -> None:
    plain = await site.client.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain")
    accept = {"accept": "application/openmetrics-text;version=1.0.0"}
    openmetrics = await site.client.get("/metrics", headers=accept)
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
async def test_head_answers_where_get_does_on_health_and_metrics(site: Site, path: str) -> None:
    got, head = await site.client.get(path), await site.client.head(path)
    assert head.status_code == got.status_code == 200
    assert head.headers["content-type"] == got.headers["content-type"]
    assert (await site.client.request("TRACE", path)).status_code in {405, 501}
    assert site.app.openapi()["paths"][path].keys() == {"get"}


async def test_metrics_can_be_off() -> None:
    site = build_site(enable_metrics=False)
    answer = await site.client.get("/metrics")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:himari:problem:not-served")
