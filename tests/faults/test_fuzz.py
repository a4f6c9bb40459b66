"""Requests made from the OpenAPI documents: no 5xx but stated 503s, nothing that is not stated."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from tests.tools.chaos.fuzz import APPLICATIONS, fuzz


@pytest.fixture(autouse=True)
def put_back_logging() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("name", APPLICATIONS)
def test_300_requests_made_from_the_document_meet_only_what_it_states(
    name: str, tmp_path: Path
) -> None:
    report = fuzz(APPLICATIONS[name](tmp_path), cases=300)
    assert report.findings == {}
    assert report.cases >= 250
    answered = {status for _, status in report.statuses}
    assert {200, 422} <= answered
    assert 401 not in answered


def test_what_is_not_stated_is_a_finding_and_so_is_an_error_that_gets_out() -> None:
    app = FastAPI()

    @app.get("/shape", response_model=int)
    def answer_text(number: int) -> JSONResponse:
        return JSONResponse(f"{number}")

    @app.get("/status", response_model=int)
    def answer_503(number: int) -> JSONResponse:
        return JSONResponse(number, 503)

    @app.get("/error")
    def raise_error(number: int) -> int:
        raise ValueError(number)

    found = "\n".join(fuzz(app, cases=20).findings)
    assert "GET /shape: JsonSchemaError" in found
    assert "GET /status: UndefinedStatusCode" in found
    assert "GET /error: raised ValueError" in found
