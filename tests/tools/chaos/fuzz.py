"""Requests made from the OpenAPI documents, good and bad: ``python -m tests.tools.chaos.fuzz``.

Every answer must be one that the document states: its status, its content type, its shape. A 5xx
is allowed only where it is a stated 503.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.main import create_app
from app.settings import Settings
from inference_server.main import create_app as create_inference_app
from inference_server.settings import Settings as InferenceSettings
from tests.tools.bench.report import machine

_CHECKS: Final = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
_KEY: Final = "a-key-of-the-fuzz-test-and-of-nothing-else"
HEADERS: Final = {"Authorization": f"Bearer {_KEY}"}


@dataclass(slots=True)
class Report:
    """What came back: answers by operation and status, and each finding with how to repeat it."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    findings: dict[str, str] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """Count requests."""
        return self.statuses.total()


def allocation_service(folder: Path) -> FastAPI:
    """Make the service with a journal of its own and a key."""
    return create_app(
        Settings(
            database_url=f"sqlite:///{folder}/fuzz.db",
            api_keys=(_KEY,),
            synchronous="NORMAL",
            log_level="ERROR",
        )
    )


def inference_server(_folder: Path) -> FastAPI:
    """Make the inference server with the model it ships."""
    return create_inference_app(InferenceSettings(log_level="ERROR"))


APPLICATIONS: Final = {"service": allocation_service, "inference": inference_server}


def fuzz(app: FastAPI, cases: int, from_seed: int = 0) -> Report:
    """Send about so many requests, shared out evenly among operations that take any input.

    Parameters
    ----------
    app : FastAPI
    cases : int
    from_seed : int
        The same seed makes the same requests.
    """
    config = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})
    report = Report()
    try:
        schema = schemathesis.openapi.from_asgi(
            "/openapi.json", app, headers=HEADERS, config=config
        )
        operations = [_readable(found) for found in schema.get_all_operations()]
        variable = sum(_takes_input(operation) for operation in operations)
        share = max(1, (cases - len(operations) + variable) // (2 * variable))
        for operation in operations:
            for mode in GenerationMode:
                _ask(operation, mode, share, from_seed, report)
    finally:
        asgi.shutdown_lifespans()
    return report


def _readable(found: Any) -> Any:
    return found.ok()


def _takes_input(operation: Any) -> bool:
    return bool(list(operation.iter_parameters()) or operation.body)


def _ask(operation: Any, mode: GenerationMode, share: int, from_seed: int, report: Report) -> None:
    @seed(from_seed)
    @settings(
        max_examples=share,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        try:
            response = case.call(headers=HEADERS)
        except Exception as error:  # noqa: BLE001 - whatever an application lets out is a finding
            text = f"{operation.label}: raised {_first_line(error)}"
            report.findings.setdefault(text, case.as_curl_command())
            return
        report.statuses[operation.label, response.status_code] += 1
        for problem in _problems(case, response):
            text = f"{operation.label}: {problem}"
            report.findings.setdefault(text, case.as_curl_command())

    try:
        ask()
    except Unsatisfiable:
        return  # an operation that takes nothing cannot be asked wrongly


def _problems(case: Any, response: Any) -> Iterator[str]:
    if response.status_code >= 500 and response.status_code != 503:
        yield f"status {response.status_code}"
    try:
        case.validate_response(response, checks=_CHECKS)
    except FailureGroup as failures:
        yield from (_first_line(failure) for failure in failures.exceptions)
    except Failure as failure:
        yield _first_line(failure)


def _first_line(failure: BaseException) -> str:
    return f"{type(failure).__name__}: {' '.join(str(failure).split())[:300]}"


def main() -> int:
    """Fuzz, show; 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.chaos.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="requests to each application")
    parser.add_argument("--seed", type=int, default=0, help="the same makes the same requests")
    parser.add_argument("--only", choices=APPLICATIONS, help="this application alone")
    parser.add_argument("--out", type=Path, help="folder to write fuzz.md into")
    options = parser.parse_args()
    reports = {}
    for name in [options.only] if options.only else APPLICATIONS:
        with tempfile.TemporaryDirectory() as folder:
            reports[name] = fuzz(APPLICATIONS[name](Path(folder)), options.cases, options.seed)
        sys.stdout.write("\n".join(_shown(name, reports[name])) + "\n")
    if options.out:
        command = " ".join(["python -m tests.tools.chaos.fuzz", *sys.argv[1:]])
        (options.out / "fuzz.md").write_text("\n".join(_page(command, reports)) + "\n", "utf-8")
    return int(any(report.findings for report in reports.values()))


def _page(command: str, reports: Mapping[str, Report]) -> Iterator[str]:
    where: dict[str, Any] = machine()
    yield "# Requests that nobody should send"
    yield ""
    yield f"`{command}` on {where['processor']}, {where['cores']} cores,"
    yield f"Python {where['python']}: requests made from the OpenAPI documents, good and bad. A"
    yield "finding is an answer that the document does not state, or a 5xx other than a stated 503."
    for name, report in reports.items():
        yield f"\n## {name}: {report.cases} requests, {len(report.findings)} findings\n"
        yield "| operation | answers by status |"
        yield "| --- | --- |"
        for label in sorted({label for label, _ in report.statuses}):
            counts = sorted((s, n) for (at, s), n in report.statuses.items() if at == label)
            yield f"| `{label}` | {', '.join(f'{count} x {status}' for status, count in counts)} |"
        for problem in report.findings:
            yield f"\n- {problem}"


def _shown(name: str, report: Report) -> Iterator[str]:
    by_status: Counter[int] = Counter()
    for (_, status), count in report.statuses.items():
        by_status[status] += count
    text = ", ".join(f"{count} x {status}" for status, count in sorted(by_status.items()))
    yield f"{name}: {report.cases} requests, {text}; {len(report.findings)} findings"
    for problem, repeat in report.findings.items():
        yield f"  {problem}\n    {repeat}"


if __name__ == "__main__":
    sys.exit(main())
