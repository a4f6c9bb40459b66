"""The OpenAPI page is complete: every route, body, answer and problem."""

import re
from pathlib import Path
from typing import Any

import pytest

from inference_server.api import schemas
from inference_server.wire import read_entries, read_single
from tests.inference_server.site import build_app

ROUTES = {
    ("post", "/predict"): "predict",
    ("post", "/predict/batch"): "predict_batch",
    ("get", "/model"): "get_model",
    ("post", "/model/reload"): "reload_model",
    ("get", "/health/live"): "get_liveness",
    ("get", "/health/ready"): "get_readiness",
    ("get", "/metrics"): "get_metrics",
}


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    return build_app(Path("/nowhere")).openapi()


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
        if method == "post":
            content = operation["requestBody"]["content"]
            assert content["application/json"]["example"], path
            assert ("application/msgpack" in content) is (path != "/model/reload")
            wanted = {"401", "408", "413", "415", "422", "500", "503"}
            assert operation["responses"].keys() >= wanted, path
        for code, response in operation["responses"].items():
            if code >= "400" and path != "/health/ready":
                assert list(response["content"]) == ["application/problem+json"]


def test_ranges_of_a_signal_are_on_the_page(page: dict[str, Any]) -> None:
    signal = page["components"]["schemas"]["SignalBody"]
    confidence = signal["properties"]["confidence"]
    assert (confidence["minimum"], confidence["maximum"]) == (0, 1)
    assert {"BUY", "strong_sell"} <= set(signal["properties"]["action"]["enum"])
    assert set(signal["required"]) == {"symbol", "action", "confidence", "risk_score", "regime"}


def test_the_examples_are_valid() -> None:
    assert read_single(schemas.SINGLE_EXAMPLE).symbol == "BTC-USD"
    assert len(read_entries(schemas.BATCH_EXAMPLE["signals"])) == 1
    assert schemas.ReloadBody(**schemas.RELOAD_EXAMPLE).version == "dummy-1"


def test_the_key_shows_as_a_bearer_scheme() -> None:
    page = build_app(Path("/nowhere"), api_key="s3cret").openapi()
    assert page["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert page["security"] == [{"bearer": []}]
