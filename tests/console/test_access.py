"""Who gets into the console, for how long, and what a form must carry."""

import pytest

from app.console.access import PREFIX
from app.console.sessions import COOKIE
from app.console.site import ROUTES
from app.core.access import KeyRing, Role, hashed
from app.core.types import TradingState
from tests.console.site import KEYS, RING, Site

GETS = sorted(
    {
        path.replace("{decision_id}", "d")
        .replace("{act}", "halt")
        .replace("{correction}", "accept")
        .replace("{rest:path}", "x")
        for path, _, methods in ROUTES
        if methods == ["GET"] and not path.startswith(("/console/login", "/console/assets"))
    }
    - {"/console/events"}
)
ACTS = ("active", "reducing", "halt", "flatten", "reset", "force-open", "auto")


async def test_without_keys_this_machine_gets_in(open_site: Site) -> None:
    assert (await open_site.client.get("/console")).status_code == 200
    assert (await open_site.client.get("/console/login")).status_code == 303


@pytest.mark.parametrize("path", [*GETS, "/console/login", "/console/events"])
async def test_without_keys_no_other_machine_gets_in(open_site: Site, path: str) -> None:
    transport = open_site.client._transport  # noqa: SLF001
    transport.client = ("203.0.113.9", 4711)  # type: ignore[attr-defined]

    response = await open_site.client.get(path)

    assert response.status_code == 503
    assert "no API key is set" in response.text


@pytest.mark.parametrize("path", GETS)
async def test_a_page_without_a_session_leads_to_the_login(keyed_site: Site, path: str) -> None:
    response = await keyed_site.client.get(path)

    assert response.status_code == 303
    assert response.headers["location"] == f"/console/login?next={path}"


async def test_the_stream_and_fragments_without_a_session_are_refused(keyed_site: Site) -> None:
    stream = await keyed_site.client.get("/console/events", headers={"accept": "text/event-stream"})
    fragment = await keyed_site.client.get("/console/what-if", headers={"hx-request": "true"})

    assert stream.status_code == fragment.status_code == 401
    assert fragment.headers["hx-redirect"] == "/console/login"


@pytest.mark.parametrize("act", ACTS)
async def test_no_act_is_done_without_a_session(keyed_site: Site, act: str) -> None:
    before = keyed_site.service.showing.state()

    response = await keyed_site.client.post(f"/console/operate/{act}", data={"reason": "x"})

    assert response.status_code == 401
    assert keyed_site.service.showing.state() == before


async def test_who_is_refused_learns_nothing_of_the_state(keyed_site: Site) -> None:
    await keyed_site.service.operating.set_trading_state(
        TradingState.HALTED, "a secret plan", "risk"
    )
    headers = {"sec-fetch-site": "cross-site"}

    answers = [
        await keyed_site.client.get("/console/login"),
        await keyed_site.client.post("/console/login", data={"key": "wrong"}),
        await keyed_site.client.post("/console/operate/halt", data={"reason": "x"}),
        await keyed_site.client.post("/console/login", data={"key": "x"}, headers=headers),
        await keyed_site.client.get("/console", headers={"authorization": "Bearer wrong"}),
    ]

    for answer in answers:
        assert "HALTED" not in answer.text
        assert "a secret plan" not in answer.text


async def test_a_stranger_without_keys_learns_nothing_of_the_state(open_site: Site) -> None:
    open_site.client._transport.client = ("203.0.113.9", 1)  # type: ignore[attr-defined] # noqa: SLF001

    assert "ACTIVE" not in (await open_site.client.get("/console")).text


async def test_a_key_opens_a_session_and_is_not_in_its_cookie(keyed_site: Site) -> None:
    response = await keyed_site.sign_in("reader")

    assert response.status_code == 303
    cookie = response.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for attribute in ("HttpOnly", "SameSite=strict", "Path=/console", "Max-Age=43200"):
        assert attribute in cookie
    assert "Secure" not in cookie
    assert KEYS["reader"] not in cookie
    assert (await keyed_site.client.get("/console")).status_code == 200


async def test_under_https_the_cookie_never_travels_in_the_clear(keyed_site: Site) -> None:
    response = await keyed_site.client.post(
        "https://localhost/console/login", data={"key": KEYS["reader"]}
    )

    assert "Secure" in response.headers["set-cookie"]


async def test_a_wrong_key_opens_nothing(keyed_site: Site) -> None:
    response = await keyed_site.client.post("/console/login", data={"key": "not a key"})

    assert response.status_code == 401
    assert "set-cookie" not in response.headers
    assert "not a key" not in response.text
    assert len(keyed_site.context.sessions) == 0


async def test_too_many_wrong_keys_make_an_address_wait_even_with_the_right_one(
    keyed_site: Site,
) -> None:
    for _ in range(5):
        await keyed_site.client.post("/console/login", data={"key": "wrong"})

    refused = await keyed_site.sign_in("reader")
    keyed_site.clock.advance(float(refused.headers["retry-after"]))
    welcome = await keyed_site.sign_in("reader")

    assert refused.status_code == 429
    assert "set-cookie" not in refused.headers
    assert welcome.status_code == 303


async def test_a_session_opens_nothing_but_the_console(keyed_site: Site) -> None:
    await keyed_site.sign_in("risk")

    for cookie_path in ("/state", "/decisions", "/consoles", "/console.csv"):
        token = keyed_site.client.cookies[COOKIE]
        response = await keyed_site.client.get(cookie_path, headers={"cookie": f"{COOKIE}={token}"})
        assert response.status_code == 401, cookie_path


async def test_a_revoked_key_ends_its_sessions(keyed_site: Site) -> None:
    await keyed_site.sign_in("reader")
    keyed_site.keys[0] = KeyRing(key for key in RING.keys if key.name != "reader")

    response = await keyed_site.client.get("/console")

    assert response.status_code == 303
    assert len(keyed_site.context.sessions) == 0


async def test_a_session_has_the_roles_that_its_key_has_now(keyed_site: Site) -> None:
    await keyed_site.sign_in("risk")
    token = await keyed_site.csrf()
    lesser = [key for key in RING.keys if key.name == "reader"]
    digest = next(key.digest for key in RING.keys if key.name == "risk")
    keyed_site.keys[0] = KeyRing([type(lesser[0])("risk", lesser[0].roles, digest)])

    response = await keyed_site.client.post(
        "/console/operate/halt", data={"csrf": token, "reason": "x"}
    )

    assert response.status_code == 403


async def test_a_session_ends_after_twelve_hours(keyed_site: Site) -> None:
    await keyed_site.sign_in("reader")
    keyed_site.clock.advance(12 * 3600 - 1)
    assert (await keyed_site.client.get("/console")).status_code == 200
    keyed_site.clock.advance(1)
    assert (await keyed_site.client.get("/console")).status_code == 303


async def test_signing_out_ends_the_session_on_the_server(keyed_site: Site) -> None:
    await keyed_site.sign_in("reader")
    token = keyed_site.client.cookies[COOKIE]
    csrf = await keyed_site.csrf("/console")

    await keyed_site.client.post("/console/logout", data={"csrf": csrf})
    response = await keyed_site.client.get("/console", headers={"cookie": f"{COOKIE}={token}"})

    assert response.status_code == 303


async def test_signing_out_needs_the_sessions_own_form(keyed_site: Site) -> None:
    await keyed_site.sign_in("reader")

    response = await keyed_site.client.post("/console/logout", data={"csrf": ""})

    assert response.status_code == 403
    assert (await keyed_site.client.get("/console")).status_code == 200


async def test_the_oldest_of_too_many_sessions_ends(keyed_site: Site) -> None:
    await keyed_site.sign_in("reader")
    first = keyed_site.client.cookies[COOKIE]
    for number in range(256):
        keyed_site.context.sessions.open(hashed(f"key-{number}", [Role.READ], f"{number:032}"))

    response = await keyed_site.client.get("/console", headers={"cookie": f"{COOKIE}={first}"})

    assert response.status_code == 303
    assert len(keyed_site.context.sessions) == 256


@pytest.mark.parametrize("name", ["reader", "trader"])
@pytest.mark.parametrize("act", ACTS)
async def test_switching_needs_the_role_operate(keyed_site: Site, name: str, act: str) -> None:
    await keyed_site.sign_in(name)
    before = keyed_site.service.showing.state()
    csrf = await keyed_site.csrf("/console")

    response = await keyed_site.client.post(
        f"/console/operate/{act}", data={"csrf": csrf, "reason": "because"}
    )

    assert response.status_code == 403
    assert "the role operate" in response.text
    assert keyed_site.service.showing.state() == before


async def test_the_pages_of_a_reader_offer_no_switch(keyed_site: Site) -> None:
    await keyed_site.sign_in("reader")

    page = (await keyed_site.client.get("/console/operate")).text
    confirmation = (await keyed_site.client.get("/console/operate/halt")).text

    assert 'href="/console/operate/' not in page
    assert 'action="/console/operate/' not in confirmation


@pytest.mark.parametrize("csrf", [None, "", "0" * 64, "é"])
async def test_an_act_needs_the_token_of_its_session(keyed_site: Site, csrf: str | None) -> None:
    await keyed_site.sign_in("risk")
    before = keyed_site.service.showing.state()
    form = {"reason": "because"} | ({} if csrf is None else {"csrf": csrf})

    response = await keyed_site.client.post("/console/operate/halt", data=form)

    assert response.status_code == 403
    assert keyed_site.service.showing.state() == before


async def test_the_token_of_one_session_is_not_that_of_another(keyed_site: Site) -> None:
    await keyed_site.sign_in("risk")
    first = await keyed_site.csrf()
    await keyed_site.sign_in("risk")

    response = await keyed_site.client.post(
        "/console/operate/halt", data={"csrf": first, "reason": "because"}
    )

    assert response.status_code == 403


async def test_without_keys_too_an_act_needs_a_token(open_site: Site) -> None:
    response = await open_site.client.post("/console/operate/halt", data={"reason": "because"})

    assert response.status_code == 403
    assert open_site.service.operating.trading_state()["state"] == "ACTIVE"


@pytest.mark.parametrize(
    "headers", [{"origin": "https://elsewhere.example"}, {"sec-fetch-site": "cross-site"}]
)
async def test_a_page_of_another_origin_neither_signs_in_nor_acts(
    keyed_site: Site, headers: dict[str, str]
) -> None:
    await keyed_site.sign_in("risk")
    token = await keyed_site.csrf()

    login = await keyed_site.client.post(
        "/console/login", data={"key": KEYS["risk"]}, headers=headers
    )
    act = await keyed_site.client.post(
        "/console/operate/halt", data={"csrf": token, "reason": "x"}, headers=headers
    )

    assert login.status_code == act.status_code == 403
    assert "set-cookie" not in login.headers
    assert keyed_site.service.operating.trading_state()["state"] == "ACTIVE"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/console",
        "/console//elsewhere.example",
        "/console\\elsewhere",
        "/consolex",
        "/state",
        "/console/\tx",
    ],
)
async def test_the_login_leads_only_to_pages_of_the_console(keyed_site: Site, wanted: str) -> None:
    response = await keyed_site.client.post(
        "/console/login", data={"key": KEYS["reader"], "next": wanted}
    )

    assert response.headers["location"] == PREFIX


async def test_the_login_leads_back_to_the_page_that_was_wanted(keyed_site: Site) -> None:
    response = await keyed_site.client.post(
        "/console/login", data={"key": KEYS["reader"], "next": "/console/journal?symbol=BTC-USD"}
    )

    assert response.headers["location"] == "/console/journal?symbol=BTC-USD"


async def test_a_program_may_show_its_key_itself(keyed_site: Site) -> None:
    headers = {"authorization": f"Bearer {KEYS['reader']}"}

    assert (await keyed_site.client.get("/console", headers=headers)).status_code == 200


@pytest.mark.parametrize("path", [*GETS, "/console/login"])
async def test_every_page_forbids_what_is_not_its_own(open_site: Site, path: str) -> None:
    response = await open_site.client.get(path)
    if response.status_code == 303 or path.endswith((".csv", ".json")):
        return
    policy = response.headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["cache-control"] == "no-store"
    assert " style=" not in response.text
    assert "<style" not in response.text
    assert "<script>" not in response.text
    assert " onclick" not in response.text


async def test_the_console_is_not_in_the_openapi_document(open_site: Site) -> None:
    paths = (await open_site.client.get("/openapi.json")).json()["paths"]

    assert not [path for path in paths if path.startswith(PREFIX)]
