"""Request ids, admission, HTTP metrics."""

import asyncio
import re
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from edge.json_log import REQUEST_ID, add_request_ids
from tests.api.site import Site, build_site


async def test_each_request_gets_an_id_of_its_own(site: Site) -> None:
    ids = [(await site.client.get("/circuit")).headers["x-request-id"] for _ in range(2)]
    assert ids[0] != ids[1]
    assert all(re.fullmatch(r"[0-9a-f]{32}", name) for name in ids)


@pytest.mark.parametrize("name", ["abc-1.2_3", "x" * 128])
async def test_a_sane_incoming_id_is_kept(site: Site, name: str) -> None:
    answer = await site.client.get("/nothing", headers={"X-Request-ID": name})
    assert answer.headers["x-request-id"] == name
    assert answer.json()["request_id"] == name


@pytest.mark.parametrize("name", ["", "a b", "x" * 129, "a\tb", "<script>"])
async def test_another_incoming_id_is_replaced(site: Site, name: str) -> None:
    answer = await site.client.get("/circuit", headers={"X-Request-ID": name})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


async def test_an_unexpected_error_is_logged_with_the_id(site: Site) -> None:
    site.service.error = RuntimeError("inside")
    with capture_logs(processors=[add_request_ids]) as lines:
        answer = await site.client.get("/circuit", headers={"X-Request-ID": "find-me"})
    assert answer.status_code == 500
    assert [line["request_id"] for line in lines if line["log_level"] == "error"] == ["find-me"]


async def test_the_id_does_not_leak_into_the_next_context(site: Site) -> None:
    await site.client.get("/circuit")
    assert REQUEST_ID.get() is None


@pytest.mark.parametrize("root", ["", "/himari"])
async def test_beyond_the_limit_requests_are_refused_at_once(
    valid: dict[str, Any], root: str
) -> None:
    site = build_site(root_path=root, max_in_flight=2)
    site.service.hold.clear()
    waiting = [asyncio.create_task(site.client.post("/allocate", json=valid)) for _ in range(2)]
    for _ in waiting:
        await site.service.entered.acquire()
    refused = await site.client.post("/allocate", json=valid)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["type"] == "urn:himari:problem:overloaded"
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert (await site.client.get(path)).status_code == 200
    site.service.hold.set()
    assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200, 200]
    assert (await site.client.post("/allocate", json=valid)).status_code == 200


async def test_what_admission_let_in_can_be_watched(valid: dict[str, Any]) -> None:
    site = build_site(max_in_flight=3)
    numbers = site.app.state.admission.gauges()
    site.service.hold.clear()
    waiting = asyncio.create_task(site.client.post("/allocate", json=valid))
    await site.service.entered.acquire()
    assert (numbers["requests_in_flight"](), numbers["requests_limit"]()) == (1, 3)
    site.service.hold.set()
    await waiting
    assert numbers["requests_in_flight"]() == 0


async def test_a_failed_request_gives_its_place_back(site_with: Any) -> None:
    site = site_with(max_in_flight=1)
    site.service.error = RuntimeError("inside")
    assert (await site.client.get("/circuit")).status_code == 500
    site.service.error = None
    assert (await site.client.get("/circuit")).status_code == 200


def requests_of(**labels: str) -> float:
    return REGISTRY.get_sample_value("http_requests_total", labels) or 0.0


async def test_requests_are_counted_by_route_template(site: Site) -> None:
    labels = {"handler": "/decisions/{decision_id}", "method": "GET", "status": "2xx"}
    before = requests_of(**labels)
    await site.client.get("/decisions/known")
    assert requests_of(**labels) == before + 1


async def test_unmatched_paths_share_a_label(site: Site) -> None:
    nowhere = {"handler": "none", "method": "GET", "status": "4xx"}
    before = requests_of(**nowhere)
    for number in range(5):
        await site.client.get(f"/nowhere/{number}")
    assert requests_of(**nowhere) == before + 5


async def test_invented_methods_are_refused_and_make_no_labels(site: Site) -> None:
    answer = await site.client.request("ODD", "/circuit")
    assert answer.status_code == 501
    assert answer.headers["content-type"] == "application/problem+json"
    assert "was 'ODD'" in answer.json()["detail"]
    assert b'method="ODD"' not in (await site.client.get("/metrics")).content


@pytest.mark.parametrize("count", [60, 6])
async def test_more_header_fields_than_allowed_are_431(count: int) -> None:
    site = build_site(max_headers=20)
    answer = await site.client.get("/health/live", headers=[("x-a", "1")] * count)
    assert answer.status_code == (431 if count == 60 else 200)


@pytest.mark.parametrize("where", ["header", "path", "query"])
async def test_a_head_of_more_bytes_than_allowed_is_431(where: str) -> None:
    site = build_site(max_header_bytes=2000)
    long = "x" * 2000
    url = {"header": "/state", "path": f"/decisions/{long}", "query": f"/state?{long}"}[where]
    headers = {"x-long": long} if where == "header" else {}
    answer = await site.client.get(url, headers=headers)
    assert answer.status_code == 431
    assert answer.json()["type"] == "urn:himari:problem:head-too-large"
    assert site.service.calls == []


async def test_errors_are_counted_as_5xx(site: Site) -> None:
    labels = {"handler": "/circuit", "method": "GET", "status": "5xx"}
    before = requests_of(**labels)
    site.service.error = RuntimeError("inside")
    await site.client.get("/circuit")
    assert requests_of(**labels) == before + 1
