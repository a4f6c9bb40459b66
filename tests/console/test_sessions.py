"""Sessions and failures on their own."""

from app.console.failures import LoginFailures
from app.console.sessions import Sessions
from app.core.access import KeyRing
from tests.console.site import RING
from tests.fakes import FakeClock


def test_tokens_are_long_random_and_not_kept_as_they_are() -> None:
    sessions = Sessions(FakeClock())
    tokens = {sessions.open(RING.keys[0]) for _ in range(50)}

    assert len(tokens) == 50
    assert min(map(len, tokens)) >= 43
    assert not any(token in repr(vars(sessions)) for token in tokens)


def test_a_key_that_comes_back_under_its_name_with_another_secret_is_another_key() -> None:
    sessions = Sessions(FakeClock())
    token = sessions.open(RING.keys[0])
    other = KeyRing([type(RING.keys[0])("reader", RING.keys[0].roles, RING.keys[1].digest)])

    assert sessions.key_of(token, other) is None
    assert sessions.key_of(token, RING) is None


def test_ended_sessions_make_room() -> None:
    clock = FakeClock()
    sessions = Sessions(clock, max_open=3, lifetime_sec=10.0)
    for _ in range(3):
        sessions.open(RING.keys[0])
    clock.advance(10.0)
    kept = sessions.open(RING.keys[0])

    assert len(sessions) == 1
    assert sessions.key_of(kept, RING) == RING.keys[0]


def test_too_many_sessions_of_one_key_end_its_own_oldest_and_no_others() -> None:
    sessions = Sessions(FakeClock())
    other = sessions.open(RING.keys[1])
    mine = [sessions.open(RING.keys[0]) for _ in range(300)]

    open_still = [token for token in mine if sessions.key_of(token, RING) is not None]
    assert open_still == mine[-16:]
    assert sessions.key_of(other, RING) == RING.keys[1]


def test_an_address_may_be_wrong_five_times_and_then_once_in_twenty_seconds() -> None:
    clock = FakeClock()
    failures = LoginFailures(clock)
    waits = []
    for _ in range(6):
        waits.append(failures.seconds_to_wait("203.0.113.9"))
        failures.add("203.0.113.9")

    assert waits == [0.0, 0.0, 0.0, 0.0, 0.0, 20.0]
    assert failures.seconds_to_wait("203.0.113.10") == 0.0
    clock.advance(200.0)
    assert failures.seconds_to_wait("203.0.113.9") == 0.0


def test_all_addresses_of_one_network_wait_together() -> None:
    failures = LoginFailures(FakeClock())
    for last in range(5):
        failures.add(f"2001:db8:1:2::{last}")

    assert failures.seconds_to_wait("2001:db8:1:2:ffff::1") > 0.0
    assert failures.seconds_to_wait("2001:db8:1:3::1") == 0.0


def test_failures_of_many_addresses_are_bounded() -> None:
    failures = LoginFailures(FakeClock())
    for number in range(5000):
        failures.add(f"client-{number}")

    assert len(failures._clean_at) == 4096  # noqa: SLF001
