"""Every operation of the API as a `Call`, by the names of the OpenAPI document.

A call is repeatable if a second arrival changes nothing: reading; a batch or outcomes with their
Idempotency-Key; a dry run; market observations, which count once; outcomes that are withdrawn.
Other operator commands are not repeatable: the journal would hold them twice.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar, cast
from urllib.parse import quote

from app.client import schemas_request as requests
from app.client import schemas_response as responses
from app.client.plain import plain
from app.client.reply import Reply

Answer = TypeVar("Answer", covariant=True)  # noqa: PLC0105 - named for what it is

IDEMPOTENCY: Final = "Idempotency-Key"
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """Method, path, body and headers of one operation, and the reader of its answer."""

    method: str
    path: str
    read: Callable[[Reply], Answer]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    also_answers: int = _OK

    def is_answered(self, reply: Reply) -> bool:
        """Return whether a reply is this call's answer, and not a refusal."""
        return reply.status == _OK or (reply.status == self.also_answers and reply.is_json())


def _document(reply: Reply) -> Any:
    return reply.document()


def _get(path: str, query: Mapping[str, Any] | None = None, also_answers: int = _OK) -> Call[Any]:
    return Call("GET", path, _document, query or {}, also_answers=also_answers)


def _send(method: str, path: str, body: Mapping[str, Any], *, repeatable: bool) -> Call[Any]:
    return Call(method, path, _document, body=_encoded(body), repeatable=repeatable)


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(plain("", body), allow_nan=False, separators=(",", ":")).encode()


def allocate(
    batch: requests.AllocateRequest, idempotency_key: str | None, *, dry_run: bool
) -> Call[responses.AllocateResponse]:
    """Size one batch; the Idempotency-Key is random where none is given."""
    headers = {} if dry_run else _key(idempotency_key)
    query = {"dry_run": "true"} if dry_run else {}
    body = _encoded(cast("Mapping[str, Any]", batch))
    return Call("POST", "/allocate", _document, query, body, headers)


def record_outcomes(
    outcomes: list[requests.Outcome], idempotency_key: str | None
) -> Call[responses.OutcomesResponse]:
    """Report realised returns; the Idempotency-Key is random where none is given."""
    body = _encoded({"outcomes": outcomes})
    return Call("POST", "/outcomes", _document, body=body, headers=_key(idempotency_key))


def _key(idempotency_key: str | None) -> dict[str, str]:
    return {IDEMPOTENCY: idempotency_key or uuid.uuid4().hex}


def withdraw_outcomes(
    outcomes: list[requests.WithdrawnOutcome], reason: str
) -> Call[responses.WithdrawResponse]:
    """Take outcomes back as if they had never been posted."""
    body = {"outcomes": outcomes, "reason": reason}
    return _send("POST", "/outcomes/withdraw", body, repeatable=True)


def observe_returns(
    timestamp_ns: int, returns: Mapping[str, float]
) -> Call[responses.ObservationsResponse]:
    """Feed the return history."""
    body = {"timestamp_ns": timestamp_ns, "returns": returns}
    return _send("POST", "/market/returns", body, repeatable=True)


def observe_prices(
    timestamp_ns: int, prices: Mapping[str, float | None]
) -> Call[responses.ObservationsResponse]:
    """Feed the price history."""
    body = {"timestamp_ns": timestamp_ns, "prices": prices}
    return _send("POST", "/market/prices", body, repeatable=True)


def accept_price(symbol: str, price: float, reason: str) -> Call[responses.AcceptResponse]:
    """Believe a price."""
    body = {"symbol": symbol, "price": price, "reason": reason}
    return _send("POST", "/market/accept", body, repeatable=False)


def split_symbol(symbol: str, ratio: float, reason: str) -> Call[responses.SplitResponse]:
    """Divide past prices by a ratio."""
    body = {"symbol": symbol, "ratio": ratio, "reason": reason}
    return _send("POST", "/market/split", body, repeatable=False)


def forget_symbol(symbol: str, reason: str) -> Call[responses.ForgetResponse]:
    """Forget prices and returns of a symbol."""
    body = {"symbol": symbol, "reason": reason}
    return _send("POST", "/market/forget", body, repeatable=False)


def get_signals() -> Call[responses.SignalsResponse]:
    """Signals in force."""
    return _get("/signals")


def end_signals(strategy_id: str, symbol: str | None) -> Call[responses.EndSignalsResponse]:
    """End what stands of a strategy."""
    path = f"/signals/{quote(strategy_id, safe='')}"
    query = {} if symbol is None else {"symbol": symbol}
    return Call("DELETE", path, _document, query, repeatable=False)


def get_circuit() -> Call[responses.CircuitResponse]:
    """State of the breaker."""
    return _get("/circuit")


def reset_circuit(reason: str | None) -> Call[responses.CircuitResponse]:
    """Force the breaker closed."""
    return _send("POST", "/circuit/reset", {"reason": reason}, repeatable=False)


def set_circuit_mode(wanted: requests.CircuitModeRequest) -> Call[responses.CircuitResponse]:
    """Set the breaker's mode."""
    return _send("PUT", "/circuit", cast("Mapping[str, Any]", wanted), repeatable=False)


def get_trading_state() -> Call[responses.TradingStateResponse]:
    """State of the kill switch."""
    return _get("/trading-state")


def set_trading_state(
    wanted: requests.TradingStateRequest, if_state_is: str | None
) -> Call[responses.TradingStateResponse]:
    """Set the kill switch, if the state in effect is the one that is named."""
    body = cast("Mapping[str, Any]", wanted)
    if if_state_is is not None:
        body = {**body, "if_state_is": if_state_is}
    return _send("PUT", "/trading-state", body, repeatable=False)


def get_performance() -> Call[responses.PerformanceResponse]:
    """Compare the policy with Phase 2."""
    return _get("/performance")


def get_correlations(symbols: list[str] | None) -> Call[responses.CorrelationsResponse]:
    """Correlations of known symbols."""
    return _get(
        "/portfolio/correlations", {} if symbols is None else {"symbols": ",".join(symbols)}
    )


def get_risk_budget() -> Call[responses.RiskBudgetResponse]:
    """Use of every limit by the last decision."""
    return _get("/portfolio/risk-budget")


def get_weights_csv(filters: requests.WeightsQuery) -> Call[str]:
    """Weight history."""
    return Call("GET", "/portfolio/weights.csv", Reply.text, plain("", filters))


def list_decisions(filters: requests.DecisionsQuery) -> Call[responses.DecisionsResponse]:
    """One page of the journal."""
    return _get("/decisions", plain("", filters))


def get_decision(decision_id: str) -> Call[responses.JournalledDecision]:
    """One decision."""
    return _get(f"/decisions/{quote(decision_id, safe='')}")


def get_state() -> Call[responses.StateResponse]:
    """Everything the service believes now."""
    return _get("/state")


def get_liveness() -> Call[responses.HealthResponse]:
    """Whether the process runs."""
    return _get("/health/live")


def get_readiness() -> Call[responses.ReadyResponse]:
    """Whether to send requests there; 503 is an answer as well."""
    return _get("/health/ready", also_answers=503)


def get_metrics() -> Call[str]:
    """Prometheus metrics."""
    return Call("GET", "/metrics", Reply.text)
