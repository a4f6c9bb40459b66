"""A server that flaps, in small; ``python -m tests.tools.chaos.flaps`` is the long run."""

from collections import Counter

from tests.tools.chaos.flapping import CALLERS, Flap, Flapper
from tests.tools.chaos.flaps import BACK_WITHIN_SEC, judge
from tests.tools.chaos.service import Service

# Still filling while so few decisions are made; it is bounded.
JOURNAL_PAGE_CACHE = 16_000 * 1024


async def test_after_every_flap_rl_is_back_and_nothing_is_left_behind(
    services: dict[str, Service],
) -> None:
    async with Flapper(services["flapping"], half_sec=0.2) as flapper:
        flaps = [await flapper.flap() for _ in range(8)]
    assert len({flap.down for flap in flaps}) == 6
    answered = sum((flap.statuses for flap in flaps), Counter())
    assert set(answered) == {200}
    assert answered.total() >= 8 * CALLERS  # two bursts a flap, half of each waits
    assert [f.down for f in flaps if f.recovered_sec > f.wait_sec + BACK_WITHIN_SEC] == []
    assert [flap.down for flap in flaps if flap.in_flight] == []
    warm, last = flaps[2], flaps[-1]
    assert last.open_files <= warm.open_files
    grown = last.resident_bytes - warm.resident_bytes
    assert grown < 0.05 * warm.resident_bytes + JOURNAL_PAGE_CACHE


def flap(**changes: object) -> Flap:
    kept: dict[str, object] = {
        "down": "refused",
        "statuses": Counter({200: 40}),
        "used": 3,
        "slowest_sec": 0.3,
        "wait_sec": 0.2,
        "recovered_sec": 1.1,
        "in_flight": 0,
        "open_files": 20,
        "resident_bytes": 100_000_000,
    }
    return Flap(**(kept | changes))  # type: ignore[arg-type]


def test_the_long_run_names_every_broken_promise() -> None:
    good = [flap() for _ in range(8)]
    assert all(verdict.kept for verdict in judge(good))
    for broken in (
        {"statuses": Counter({200: 39, 503: 1})},
        {"recovered_sec": 1.3},
        {"in_flight": 1},
        {"open_files": 21},
        {"resident_bytes": 105_000_001},
    ):
        verdicts = judge([*good, flap(**broken)])
        assert [verdict.kept for verdict in verdicts].count(False) == 1
