"""Every error leaves as problem+json of the same shape."""

from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from app.api.response.problems import TABLE, kind_of
from app.core import errors
from app.core.errors import (
    FieldProblem,
    IdempotencyConflict,
    InvalidInput,
    JournalUnavailable,
    UnknownDecision,
)
from edge.problems import RequestRefused
from tests.api.site import Site

FROM_SERVICE = [
    (InvalidInput(FieldProblem("a", "must be", float("nan"))), 422),
    (IdempotencyConflict("other body"), 409),
    (UnknownDecision("none"), 404),
    (JournalUnavailable("disk full"), 503),
    (RuntimeError("the secret inside"), 500),
    (KeyError("the secret inside"), 500),
]


def check_shape(problem: dict[str, Any], status: int, path: str) -> None:
    assert problem["status"] == status
    assert problem["type"].startswith("urn:himari:problem:")
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == path
    assert problem["request_id"]


@pytest.mark.parametrize(("error", "status"), FROM_SERVICE, ids=repr)
async def test_an_error_of_the_service_has_its_status(
    site: Site, valid: dict[str, Any], error: Exception, status: int
) -> None:
    site.service.error = error
    answer = await site.client.post("/allocate", json=valid)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    check_shape(answer.json(), status, "/allocate")
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/allocate/", 404),
        ("GET", "/allocate", 405),
        ("DELETE", "/circuit", 405),
        ("GET", "/decisions/unknown", 404),
        ("GET", "/decisions/%00", 404),
        ("GET", "/decisions/%20", 404),
        ("PUT", "/trading-state", 422),
    ],
)
async def test_what_the_framework_refuses_is_a_problem_too(
    site: Site, method: str, path: str, status: int
) -> None:
    answer = await site.client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert ("allow" in answer.headers) == (status == 405)


async def test_an_unwritable_journal_says_when_to_retry(site: Site, valid: dict[str, Any]) -> None:
    site.service.error = JournalUnavailable("disk full")
    answer = await site.client.post("/allocate", json=valid)
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["detail"] == "disk full"


async def test_before_the_start_everything_but_health_is_503(
    site: Site, valid: dict[str, Any]
) -> None:
    del site.app.state.service
    answer = await site.client.post("/allocate", json=valid)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert (await site.client.get("/health/live")).status_code == 200
    ready = await site.client.get("/health/ready")
    assert (ready.status_code, ready.json()) == (503, {"status": "not ready"})


def test_every_error_a_caller_can_cause_stands_in_the_table() -> None:
    refusals = set(RequestRefused.__subclasses__())
    reaching = {InvalidInput, UnknownDecision, IdempotencyConflict, JournalUnavailable}
    assert refusals | reaching | {ClientDisconnect} <= set(TABLE)
    assert kind_of(errors.SolverFailure("x")).status == 500
