"""The login form: where it leads after all, and how many of it are read at once."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import ExitStack

import httpx
import pytest

from tests.console.site import KEYS, Site


@pytest.mark.parametrize("wrong_keys", [1, 6])
async def test_after_wrong_keys_and_a_wait_the_login_still_leads_to_the_page_that_was_wanted(
    keyed_site: Site, wrong_keys: int
) -> None:
    wanted = "/console/journal?symbol=BTC-USD&strategy=rl"
    response = await keyed_site.client.get(wanted)
    response = await keyed_site.client.get(response.headers["location"])
    for _ in range(wrong_keys):
        response = await _fill_in(keyed_site, response.text, "wrong")
    assert response.status_code == (401 if wrong_keys == 1 else 429)
    keyed_site.clock.advance(float(response.headers.get("retry-after", "0")))

    response = await _fill_in(keyed_site, response.text, KEYS["reader"])

    assert response.status_code == 303
    assert response.headers["location"] == wanted


async def _fill_in(site: Site, page: str, key: str) -> httpx.Response:
    """Send the form of a login page as a browser would."""
    action = re.search(r'<form method="post" action="([^"]*)"', page)
    wanted = re.search(r'name="next" value="([^"]*)"', page)
    assert action is not None
    assert wanted is not None
    form = {"key": key, "next": html.unescape(wanted[1])}
    return await site.client.post(html.unescape(action[1]), data=form)


async def test_after_a_wrong_key_the_form_keeps_the_page_that_was_wanted(keyed_site: Site) -> None:
    response = await keyed_site.client.post(
        "/console/login", data={"key": "wrong", "next": "/console/policy"}
    )

    assert response.status_code == 401
    assert 'name="next" value="/console/policy"' in response.text


async def test_one_more_login_than_are_read_at_once_is_told_to_come_again(
    keyed_site: Site,
) -> None:
    logins = keyed_site.context.logins
    with ExitStack() as taken:
        for _ in range(16):
            taken.enter_context(logins.hold())
        refused = await keyed_site.sign_in("reader")
        others = await keyed_site.client.get("/console/login")
    welcome = await keyed_site.sign_in("reader")

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "2"
    assert "Try again in 2 seconds" in refused.text
    assert "set-cookie" not in refused.headers
    assert others.status_code == 200
    assert welcome.status_code == 303


async def test_a_login_that_does_not_go_on_holds_its_place_for_two_seconds(
    keyed_site: Site,
) -> None:
    taken = []

    async def unfinished() -> AsyncIterator[bytes]:
        yield b"key=reader"
        taken.append(keyed_site.context.logins.taken)
        await asyncio.Event().wait()

    response = await keyed_site.client.post(
        "/console/login",
        content=unfinished(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )

    assert response.status_code == 408
    assert "not complete after 2 s" in response.text
    assert taken == [1]
    assert keyed_site.context.logins.taken == 0
