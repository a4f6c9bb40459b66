"""Rate limits: a bucket for each key, on the monotonic clock, and never for operators."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.gate.rate_limit import RateLimiter
from app.api.response.problems import RateLimited
from tests.api.site import Site, build_site
from tests.fakes import FakeClock


def granted(limiter: RateLimiter, name: str, times: int) -> int:
    count = 0
    for _ in range(times):
        try:
            limiter.take(name)
        except RateLimited:
            continue
        count += 1
    return count


def test_a_rested_key_has_its_burst_and_then_its_rate() -> None:
    clock = FakeClock()
    limiter = RateLimiter(10.0, 5, clock)
    assert granted(limiter, "desk", 100) == 5
    clock.advance(0.35)
    assert granted(limiter, "desk", 100) == 3
    clock.advance(3600.0)
    assert granted(limiter, "desk", 100) == 5


def test_each_key_has_a_bucket_of_its_own() -> None:
    limiter = RateLimiter(1.0, 2, FakeClock())
    assert granted(limiter, "noisy", 50) == 2
    assert granted(limiter, "quiet", 50) == 2


def test_the_refusal_says_when_to_come_again() -> None:
    clock = FakeClock()
    limiter = RateLimiter(0.25, 1, clock)
    limiter.take("desk")
    with pytest.raises(RateLimited) as caught:
        limiter.take("desk")
    wait = int(caught.value.headers["Retry-After"])
    assert wait == 4
    clock.advance(wait)
    limiter.take("desk")


@given(st.lists(st.floats(0.0, 3.0), min_size=1, max_size=40), st.floats(0.1, 50.0))
def test_over_any_time_no_key_gets_more_than_burst_and_rate(
    pauses: list[float], per_sec: float
) -> None:
    clock = FakeClock()
    limiter = RateLimiter(per_sec, 7, clock)
    taken = 0
    for pause in pauses:
        taken += granted(limiter, "desk", 10)
        clock.advance(pause)
    assert taken <= 7 + per_sec * sum(pauses) + 1e-6


def test_the_table_of_names_is_bounded() -> None:
    limiter = RateLimiter(1.0, 1, FakeClock(), max_names=3)
    for name in ("a", "b", "c", "b", "d"):
        granted(limiter, name, 1)
    # a asked longest ago and was forgotten, so it begins with a full bucket
    assert [granted(limiter, name, 1) for name in ("b", "a")] == [0, 1]


async def test_beyond_the_rate_a_key_gets_429_and_another_does_not(valid: dict[str, Any]) -> None:
    site = build_site(api_keys="alpha,beta", rate_limit_per_sec=0.5, rate_limit_burst=2)

    async def status(key: str) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return (await site.client.post("/allocate", json=valid, headers=headers)).status_code

    assert [await status("alpha") for _ in range(3)] == [200, 200, 429]
    assert await status("beta") == 200
    refused = await site.client.get("/state", headers={"Authorization": "Bearer alpha"})
    assert refused.headers["retry-after"] == "2"
    assert refused.json()["type"] == "urn:himari:problem:rate-limited"


async def flooded(**settings: Any) -> Site:
    site = build_site(rate_limit_per_sec=0.001, rate_limit_burst=1, **settings)
    headers = {"Authorization": "Bearer alpha"}
    for expected in (200, 429):
        assert (await site.client.get("/circuit", headers=headers)).status_code == expected
    return site


@pytest.mark.parametrize("settings", [{"api_keys": "alpha"}, {"max_in_flight": 9}], ids=str)
async def test_the_kill_switch_is_never_held_up(settings: dict[str, Any]) -> None:
    site = await flooded(**settings)
    for _ in range(3):
        answer = await site.client.put(
            "/trading-state", json={"state": "HALTED"}, headers={"Authorization": "Bearer alpha"}
        )
        assert answer.status_code == 200
    assert (await site.client.get("/health/live")).status_code == 200


async def test_a_wrong_key_takes_nothing_from_the_right_one() -> None:
    site = build_site(api_keys="alpha", rate_limit_per_sec=0.002, rate_limit_burst=1)
    for _ in range(5):
        wrong = await site.client.get("/state", headers={"Authorization": "Bearer gamma"})
        assert wrong.status_code == 401
    right = await site.client.get("/state", headers={"Authorization": "Bearer alpha"})
    assert right.status_code == 200


async def test_there_is_no_limit_by_default(site: Site) -> None:
    statuses = [(await site.client.get("/circuit")).status_code for _ in range(300)]
    assert set(statuses) == {200}
