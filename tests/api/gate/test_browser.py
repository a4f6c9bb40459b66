"""Browsers: pages of other origins change nothing, and every answer says how it may be used."""

import base64
import hashlib
import re
from typing import Any

import pytest

from tests.api.site import Site, build_site

HALT = {"state": "HALTED"}
EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "Cross-Site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "something new"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://himari"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://himari:3000"},
        {"Origin": "http://himari.evil.example"},
        {"Origin": "himari"},
        {"Origin": "file://himari"},
        {"Origin": "http://himari", "Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize("keys", ["", "alpha"])
async def test_a_page_of_another_origin_changes_nothing(keys: str, headers: dict[str, str]) -> None:
    site = build_site(api_keys=keys) if keys else build_site()
    headers = headers | {"Authorization": "Bearer alpha"}
    for method, path in (("PUT", "/trading-state"), ("POST", "/allocate"), ("PUT", "/circuit")):
        answer = await site.client.request(method, path, json=HALT, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:himari:problem:cross-site"
    assert site.service.calls == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://himari"},
        {"Origin": "https://HIMARI:443"},
        {"Origin": "http://himari", "Sec-Fetch-Site": "same-origin"},
        # a proxy that names the service otherwise: what the browser says of the site goes first
        {"Origin": "https://sizing.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "null", "Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
async def test_the_services_own_pages_and_programs_do(site: Site, headers: dict[str, str]) -> None:
    answer = await site.client.put("/trading-state", json=HALT, headers=headers)
    assert answer.status_code == 200


async def test_reading_is_not_a_change(site: Site) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"}
    assert (await site.client.get("/state", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/state"), ("GET", "/nothing"), ("GET", "/health/live"), ("GET", "/metrics"),
     ("GET", "/portfolio/weights.csv"), ("POST", "/allocate"), ("ODD", "/state"),
     ("GET", "/openapi.json")],
)  # fmt: skip
async def test_every_answer_tells_browsers_to_do_nothing_with_it(
    site: Site, method: str, path: str
) -> None:
    answer = await site.client.request(method, path)
    assert {name: answer.headers[name] for name in EVERYWHERE} == EVERYWHERE
    policy = answer.headers["content-security-policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"


async def test_errors_and_refusals_tell_it_too(site: Site) -> None:
    site.service.error = RuntimeError("inside")
    refused = await build_site(api_keys="alpha").client.get("/state")
    for answer in (await site.client.get("/circuit"), refused):
        assert answer.status_code in {500, 401}
        assert {name: answer.headers[name] for name in EVERYWHERE} == EVERYWHERE


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/oauth2-redirect"])
@pytest.mark.parametrize("root", ["", "/himari"])
async def test_the_pages_may_run_their_own_scripts_and_no_others(path: str, root: str) -> None:
    site = build_site(root_path=root)
    answer = await site.client.get(path)
    policy = dict(
        directive.strip().partition(" ")[::2]
        for directive in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    allowed = policy["script-src"].split()
    assert "'unsafe-inline'" not in allowed
    for script in re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in allowed
    sources: list[Any] = re.findall(r'<script src="(https://[^/"]+)', answer.text)
    assert set(sources) <= set(allowed)
    styles = re.findall(r'<link[^>]+href="(https://[^/"]+)[^>]+stylesheet', answer.text)
    styles += re.findall(r'<link[^>]+stylesheet" href="(https://[^/"]+)', answer.text)
    assert set(styles) <= set(policy["style-src"].split())


@pytest.mark.parametrize("path", ["/circuit/", "//state", "/allocate/", "/health", "/docs/"])
async def test_nothing_is_redirected(site: Site, path: str) -> None:
    assert (await site.client.get(path)).status_code == 404
