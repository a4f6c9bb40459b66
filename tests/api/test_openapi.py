"""The OpenAPI page is complete: every route, body, answer and problem."""

import re
from typing import Any

import pytest

from app.api.request import examples
from app.api.request.schemas import AllocateRequest
from tests.api.site import build_site

ROUTES = {
    ("post", "/allocate"): "allocate",
    ("get", "/circuit"): "get_circuit",
    ("put", "/circuit"): "set_circuit_mode",
    ("post", "/circuit/reset"): "reset_circuit",
    ("post", "/outcomes"): "record_outcomes",
    ("get", "/performance"): "get_performance",
    ("post", "/outcomes/withdraw"): "withdraw_outcomes",
    ("post", "/market/accept"): "accept_price",
    ("post", "/market/split"): "split_symbol",
    ("post", "/market/forget"): "forget_symbol",
    ("get", "/signals"): "get_signals",
    ("delete", "/signals/{strategy_id}"): "end_signals",
    ("post", "/market/returns"): "observe_returns",
    ("post", "/market/prices"): "observe_prices",
    ("get", "/portfolio/correlations"): "get_correlations",
    ("get", "/portfolio/risk-budget"): "get_risk_budget",
    ("get", "/portfolio/weights.csv"): "get_weights_csv",
    ("get", "/decisions"): "list_decisions",
    ("get", "/decisions/{decision_id}"): "get_decision",
    ("get", "/state"): "get_state",
    ("get", "/trading-state"): "get_trading_state",
    ("put", "/trading-state"): "set_trading_state",
    ("get", "/health/live"): "get_liveness",
    ("get", "/health/ready"): "get_readiness",
    ("get", "/metrics"): "get_metrics",
}


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    return build_site().app.openapi()


def operations(page: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method, path): operation
        for path, methods in page["paths"].items()
        for method, operation in methods.items()
    }


def test_every_route_of_the_contract_is_there_under_a_stable_id(page: dict[str, Any]) -> None:
    found = {place: operation["operationId"] for place, operation in operations(page).items()}
    assert found == ROUTES


def test_every_reference_leads_somewhere(page: dict[str, Any]) -> None:
    named = set(re.findall(r"#/components/schemas/([\w-]+)", str(page)))
    assert named <= set(page["components"]["schemas"])
    assert "HTTPValidationError" not in named


def test_every_writing_route_has_its_body_and_problems(page: dict[str, Any]) -> None:
    for (method, path), operation in operations(page).items():
        problems = {code for code in operation["responses"] if code >= "400"}
        if method in {"post", "put"}:
            assert operation["requestBody"]["content"]["application/json"]["examples"], path
            assert problems >= {"401", "408", "413", "415", "422", "500", "503"}, path
        for code in problems - ({"503"} if path == "/health/ready" else set()):
            assert list(operation["responses"][code]["content"]) == ["application/problem+json"]


def test_every_answer_is_described(page: dict[str, Any]) -> None:
    for (_, path), operation in operations(page).items():
        content = operation["responses"]["200"]["content"]
        assert all(media["schema"] for media in content.values()), path
        assert operation["summary"], path


def test_ranges_of_a_signal_are_on_the_page(page: dict[str, Any]) -> None:
    schemas = page["components"]["schemas"]
    signal = schemas["AllocateRequest"]["properties"]["signals"]["items"]
    signal = schemas[signal["$ref"].rsplit("/", 1)[1]] if "$ref" in signal else signal
    confidence = signal["properties"]["confidence"]
    assert (confidence["minimum"], confidence["maximum"]) == (0, 1)
    assert confidence["description"]
    assert signal["additionalProperties"] is False
    assert "BUY" in signal["properties"]["action"]["enum"]
    assert "strategy_id" in signal["required"]
    assert "expected_return" not in signal["required"]


def test_query_parameters_and_headers_are_on_the_page(page: dict[str, Any]) -> None:
    found = operations(page)
    names = {item["name"] for item in found["post", "/allocate"]["parameters"]}
    assert names == {"dry_run", "Idempotency-Key", "Himari-Portfolio"}
    filters = {item["name"] for item in found["get", "/decisions"]["parameters"]}
    assert {"limit", "before_seq", "symbol"} <= filters


def test_the_examples_are_valid() -> None:
    assert AllocateRequest.model_validate(examples.ALLOCATE)


def test_keys_show_as_a_bearer_scheme() -> None:
    page = build_site(api_keys="alpha").app.openapi()
    assert page["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert page["security"] == [{"bearer": []}]
