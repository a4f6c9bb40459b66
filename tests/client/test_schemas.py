"""The client matches the OpenAPI document and imports nothing of the service."""

import inspect
import re
import subprocess
import sys
from typing import Any

import pytest

from app.client import AsyncHimariClient, HimariClient, calls
from app.client.calls import Call
from tests.tools.reference.document import digest_of, openapi_document
from tests.tools.reference.python_types import files

DOCUMENT = openapi_document()
OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
# arguments of the builders, where one has no default
ARGUMENTS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "allocate": ([{"signals": []}, None], {"dry_run": True}),
    "record_outcomes": ([[], None], {}),
    "withdraw_outcomes": ([[], "why"], {}),
    "accept_price": (["A", 1.0, "why"], {}),
    "split_symbol": (["A", 2.0, "why"], {}),
    "forget_symbol": (["A", "why"], {}),
    "end_signals": (["a/b", "A/B"], {}),
    "observe_returns": ([0, {}], {}),
    "observe_prices": ([0, {}], {}),
    "reset_circuit": ([None], {}),
    "set_circuit_mode": ([{"mode": "auto"}], {}),
    "set_trading_state": ([{"state": "ACTIVE"}, "HALTED"], {}),
    "get_correlations": ([["A", "B"]], {}),
    "get_weights_csv": ([{"limit": 1}], {}),
    "list_decisions": ([{"limit": 1}], {}),
    "get_decision": (["a/b"], {}),
}


def public_methods(kind: type) -> dict[str, Any]:
    return {name: found for name, found in vars(kind).items() if not name.startswith("_")}


def test_the_types_are_those_of_the_openapi_document() -> None:
    for path, text in files().items():
        assert path.read_text("ascii") == text, "run python -m tests.tools.reference.python_types"


@pytest.mark.parametrize("kind", [HimariClient, AsyncHimariClient])
def test_each_client_has_every_operation_by_its_name_and_nothing_else(kind: type) -> None:
    assert public_methods(kind).keys() - {"close", "aclose"} == OPERATIONS.keys()


def test_both_clients_have_the_same_signatures_and_docstrings() -> None:
    blocking, awaiting = public_methods(HimariClient), public_methods(AsyncHimariClient)
    for name in OPERATIONS:
        assert inspect.signature(blocking[name]) == inspect.signature(awaiting[name]), name
        assert inspect.getdoc(blocking[name]) == inspect.getdoc(awaiting[name]), name


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_call_goes_where_its_operation_is(name: str) -> None:
    method, path, operation = OPERATIONS[name]
    arguments, named = ARGUMENTS.get(name, ([], {}))
    call: Call[Any] = getattr(calls, name)(*arguments, **named)
    assert call.method == method
    assert call.path == re.sub(r"\{\w+\}", "a%2Fb", path)
    known = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
    assert set(call.query) <= known
    assert (call.body is not None) == ("requestBody" in operation)


@pytest.mark.parametrize(
    "name", ["get_decision", "list_decisions", "get_correlations", "allocate", "get_state"]
)
def test_an_answer_has_the_type_that_its_operation_names(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    answer = inspect.signature(getattr(HimariClient, name)).return_annotation
    assert answer.__name__ == schema.rpartition("/")[2]


def test_the_client_imports_nothing_heavy_and_nothing_else_of_the_service() -> None:
    code = (
        "import sys, app.client\n"
        "heavy = {'numpy', 'scipy', 'fastapi', 'starlette', 'sqlalchemy', 'pydantic', 'uvicorn', "
        "'typer', 'prometheus_client', 'structlog', 'orjson', 'yaml'}\n"
        "own = {name for name in sys.modules if name.startswith('app.')}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "print(sorted(name for name in own if not name.startswith('app.client')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n") == ["[]", "[]", ""]


def test_the_digest_is_of_what_types_are_made_from() -> None:
    other = DOCUMENT | {"info": DOCUMENT["info"] | {"version": "9.9.9"}}
    assert digest_of(other) == digest_of(DOCUMENT)
    assert digest_of(DOCUMENT | {"paths": {}}) != digest_of(DOCUMENT)
