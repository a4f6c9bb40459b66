"""``POST /outcomes`` under an Idempotency-Key."""

from tests.api.site import Site

FREE = {"outcomes": [{"symbol": "B", "realized_return": 0.1, "used_rl": True}]}
KEY = {"idempotency-key": "k1"}


async def test_the_same_key_and_body_get_the_stored_answer_and_teach_once(site: Site) -> None:
    first = await site.client.post("/outcomes", json=FREE, headers=KEY)
    again = await site.client.post("/outcomes", json=FREE, headers=KEY)
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    assert len(site.service.calls) == 1
    assert site.events.counted == ["idempotent_replays"]


async def test_the_same_key_with_another_body_is_refused(site: Site) -> None:
    await site.client.post("/outcomes", json=FREE, headers=KEY)
    answer = await site.client.post("/outcomes", json={"outcomes": []}, headers=KEY)
    assert answer.status_code == 409
    assert len(site.service.calls) == 1


async def test_without_a_key_each_post_counts(site: Site) -> None:
    for _ in range(2):
        await site.client.post("/outcomes", json=FREE)
    assert len(site.service.calls) == 2


async def test_a_body_that_breaks_the_schema_keeps_nothing_under_its_key(site: Site) -> None:
    answer = await site.client.post("/outcomes", json={"outcomes": 1}, headers=KEY)
    assert answer.status_code == 422
    answer = await site.client.post("/outcomes", json=FREE, headers=KEY)
    assert answer.status_code == 200
