"""The switches: done through the service's own methods, with who and why."""

from pathlib import Path

import pytest

from tests.console.site import Site, running_site
from tests.console.tables import rows_of


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        ("reducing", {"state": "REDUCING", "flatten": False}),
        ("halt", {"state": "HALTED", "flatten": False}),
        ("flatten", {"state": "HALTED", "flatten": True}),
    ],
)
async def test_the_trading_state_is_set_with_who_and_why(
    keyed_site: Site, act: str, expected: dict[str, object]
) -> None:
    await keyed_site.sign_in("risk")
    form = {"csrf": await keyed_site.csrf(), "reason": "exchange  under\nmaintenance"}

    response = await keyed_site.client.post(f"/console/operate/{act}", data=form)

    assert response.headers["location"] == f"/console/operate?done={act}"
    shown = keyed_site.service.operating.trading_state()
    assert shown | expected == shown
    assert shown["actor"] == "risk"
    assert shown["reason"] == "exchange under maintenance"


async def test_active_lifts_a_halt(keyed_site: Site) -> None:
    await keyed_site.sign_in("risk")
    form = {"csrf": await keyed_site.csrf(), "reason": "maintenance"}
    await keyed_site.client.post("/console/operate/halt", data=form)
    await keyed_site.client.post("/console/operate/active", data={**form, "reason": "it is over"})

    assert keyed_site.service.operating.trading_state()["state"] == "ACTIVE"


async def test_the_circuit_is_forced_open_set_to_automatic_and_reset(keyed_site: Site) -> None:
    await keyed_site.sign_in("risk")
    form = {"csrf": await keyed_site.csrf(), "reason": "model under review"}
    seen = []
    for act in ("force-open", "auto", "force-open", "reset"):
        await keyed_site.client.post(f"/console/operate/{act}", data=form)
        circuit = keyed_site.service.operating.circuit()
        seen.append((circuit["state"], circuit["mode"]))

    assert seen == [
        ("open", "forced_open"),
        ("closed", "auto"),
        ("open", "forced_open"),
        ("closed", "auto"),
    ]


async def test_every_act_is_in_the_journal_after_a_restart(tmp_path: Path) -> None:
    async with running_site(tmp_path, keyed=True) as before:
        await before.sign_in("risk")
        form = {"csrf": await before.csrf(), "reason": "model under review"}
        for act in ("halt", "force-open"):
            await before.client.post(f"/console/operate/{act}", data=form)
    async with running_site(tmp_path, keyed=True) as after:
        await after.sign_in("reader")
        page = (await after.client.get("/console/journal/operations")).text

    rows = [row for row in rows_of(page, "Switches, circuit") if row[4] == "risk"]
    assert [(row[2], row[3], row[5]) for row in rows] == [
        ("circuit mode", "forced open", "model under review"),
        ("trading state", "\N{BLACK SQUARE} HALTED", "model under review"),
    ]


@pytest.mark.parametrize("reason", ["", "   ", 501 * "x", "bell\x07"])
async def test_without_a_sane_reason_it_is_asked_again_and_nothing_is_done(
    keyed_site: Site, reason: str
) -> None:
    await keyed_site.sign_in("risk")
    before = keyed_site.service.showing.state()

    response = await keyed_site.client.post(
        "/console/operate/halt", data={"csrf": await keyed_site.csrf(), "reason": reason}
    )

    assert response.status_code == 422
    assert "Not done" in response.text
    assert keyed_site.service.showing.state() == before


@pytest.mark.parametrize("act", ["nothing", "disabled", "HALT"])
async def test_what_is_not_offered_cannot_be_done(keyed_site: Site, act: str) -> None:
    await keyed_site.sign_in("risk")
    form = {"csrf": await keyed_site.csrf(), "reason": "because"}

    response = await keyed_site.client.post(f"/console/operate/{act}", data=form)

    assert response.status_code == 404


async def test_asking_changes_nothing(keyed_site: Site) -> None:
    await keyed_site.sign_in("risk")
    before = keyed_site.service.showing.state()

    for act in ("halt", "flatten", "reset", "force-open"):
        assert (await keyed_site.client.get(f"/console/operate/{act}")).status_code == 200

    assert keyed_site.service.showing.state() == before


async def test_while_the_journal_refuses_nothing_is_switched(tmp_path: Path) -> None:
    async with running_site(tmp_path) as site:
        form = {"csrf": await site.csrf(), "reason": "because"}
        await site.service.world.journal.close()

        response = await site.client.post("/console/operate/halt", data=form)

        assert response.status_code == 503
        assert site.service.operating.trading_state()["state"] == "ACTIVE"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"csrf=x&reason=" + 20_000 * b"x", "application/x-www-form-urlencoded", 413),
        (b'{"reason": "x"}', "application/json", 415),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a%d=1" % i for i in range(40)), "application/x-www-form-urlencoded", 400),
    ],
)
async def test_what_is_no_small_form_is_refused(
    keyed_site: Site, content: bytes, kind: str, status: int
) -> None:
    await keyed_site.sign_in("risk")

    response = await keyed_site.client.post(
        "/console/operate/halt", content=content, headers={"content-type": kind}
    )

    assert response.status_code == status
    assert keyed_site.service.operating.trading_state()["state"] == "ACTIVE"


async def test_looking_further_back_goes_window_by_window(open_site: Site) -> None:
    service = open_site.service
    await service.operating.set_circuit_mode("forced_open", "first", "desk")
    await service.operating.reset_circuit("second", "desk")
    last = (await service.showing.operations())["operations"][0]["seq"]

    older = await service.showing.operations(before_seq=last)
    journal = service.world.journal
    window = await journal.events_of(("operator",), before_seq=last + 1, window=1)

    assert [entry["reason"] for entry in older["operations"] if entry["actor"]] == ["first"]
    assert older["next_before_seq"] is None
    assert [stored.seq for stored in window] == [last]
