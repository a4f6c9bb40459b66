"""One trace through both servers, at a collector that really listens; nothing of it when off."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from app.commands.starter import example_batch
from tests.adapters.notify.hook_server import Hooks, hook_server, wait_until
from tests.served_himari import Served, running, serving
from tests.spoken_himari import clean_directory, free_port
from tests.tools.chaos.service import ROOT

__all__ = ["clean_directory"]

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
KEY = "c4n4ry-of-callers"
# of the extra nothing can be found
HIDING = """import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("opentelemetry.exporter", "opentelemetry.sdk")):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Hidden())
"""


@dataclass(frozen=True)
class Span:
    """What the collector got of one span."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any] = field(default_factory=dict)


def spans_of(hooks: Hooks) -> list[Span]:
    found = []
    for got in list(hooks.got):
        assert got.path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(got.body).resource_spans:
            about = values(resource.resource.attributes)
            found += [
                Span(
                    about["service.name"],
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    values(span.attributes),
                )
                for scope in resource.scope_spans
                for span in scope.spans
            ]
    return found


def values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def both_servers(monkeypatch: pytest.MonkeyPatch, collector: str) -> Iterator[Served]:
    policy = f"http://127.0.0.1:{free_port()}"
    for name, value in {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-token=c4n4ry-of-collector, c4n4ry-that-is-no-header",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "HIMARI_OTEL_ENABLED": "true",
        "HIMARI_ENABLE_RL": "true",
        "HIMARI_RL_ENDPOINT": f"{policy}/predict",
        "HIMARI_RL_API_KEY": "c4n4ry-of-the-hop",
        "HIMARI_API_KEYS": KEY,
        "HIMARI_INFERENCE_OTEL_ENABLED": "true",
        "HIMARI_INFERENCE_MODEL": "dummy-1",
        "HIMARI_INFERENCE_API_KEY": "c4n4ry-of-the-hop",
        "HIMARI_INFERENCE_DRAIN_SEC": "0",
        "HIMARI_INFERENCE_PORT": policy.rpartition(":")[2],
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with running(policy, "-m", "inference_server"), serving() as served:
        yield served


def log_lines(log: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line) for line in log.read_text("utf-8").splitlines() if line.startswith("{")
    ]


def test_one_trace_goes_through_both_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"Authorization": f"Bearer {KEY}", **PARENT}
    with hook_server() as collector, both_servers(monkeypatch, collector.url) as served:
        with httpx.Client(base_url=served.url, headers=headers, trust_env=False) as client:
            answer = client.post("/allocate", json=example_batch(time.time_ns())).json()
            empty = example_batch(time.time_ns()) | {"signals": []}
            client.post("/allocate", json=empty, headers={"X-Request-ID": "mine"})
            client.get("/health/live")
            client.get("/metrics")
        assert answer["strategy"] == "rl"

        def arrived() -> bool:
            return {"POST /allocate", "POST /predict/batch"} <= {
                span.name for span in spans_of(collector)
            }

        wait_until(arrived, "the collector heard of both servers")
        wait_until(
            lambda: sum(span.name == "POST /allocate" for span in spans_of(collector)) == 2,
            "of both requests",
        )
    spans = spans_of(collector)
    assert {span.trace for span in spans} == {TRACE}
    by_name = {span.name: span for span in spans if span.name != "POST /allocate"}
    served_span = next(
        span for span in spans if span.attributes.get("himari.decision_id") == answer["decision_id"]
    )
    assert (served_span.service, served_span.parent) == ("himari-layer3", "b7ad6b7169203331")
    assert by_name["POST policy"].parent == served_span.id
    asked = by_name["POST /predict/batch"]
    assert (asked.service, asked.parent) == ("himari-inference", by_name["POST policy"].id)
    assert by_name["predict rows"].parent == asked.id
    for stage in ("sizing", "policy", "settle", "journal"):
        assert f"decision {stage}" in by_name
    assert {span.attributes.get("http.response.status_code", 200) for span in spans} == {200}
    assert not {"GET /health/live", "GET /metrics"} & by_name.keys()

    (line,) = [each for each in log_lines(served.log) if each["event"] == "empty_batch"]
    assert (line["request_id"], line["trace_id"]) == ("mine", TRACE)
    assert len(line["decision_id"]) == 32
    output = served.log.read_bytes() + b"".join(got.body for got in collector.got)
    assert b"c4n4ry" not in output


def test_a_collector_that_is_away_costs_neither_answers_nor_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with hook_server() as gone:
        nowhere = f"{gone.url}/c4n4ry"
    monkeypatch.setenv("HIMARI_OTEL_ENABLED", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", nowhere)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with serving() as served:
        for _ in range(3):
            sent = httpx.post(f"{served.url}/allocate", json=example_batch(time.time_ns()))
            assert sent.status_code == 200
        wait_until(lambda: b"spans_not_sent" in served.log.read_bytes(), "it was logged")
        served.process.terminate()
        # uvicorn raises the signal again once its own shutdown is over
        assert served.process.wait(15.0) in {0, -15}
    assert b"c4n4ry" not in served.log.read_bytes()


@pytest.mark.parametrize("module", ["app.cli", "inference_server"])
def test_without_the_extra_it_refuses_in_a_sentence(tmp_path: Path, module: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(HIDING)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
        "HIMARI_OTEL_ENABLED": "true",
        "HIMARI_INFERENCE_OTEL_ENABLED": "true",
    }
    words = ["serve"] if module == "app.cli" else []
    refused = subprocess.run(
        [sys.executable, "-m", module, *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode != 0
    assert "needs the extra otel, which is not installed" in refused.stderr
    assert "Traceback" not in refused.stderr
