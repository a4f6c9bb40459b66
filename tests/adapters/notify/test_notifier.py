"""A real service tells a real receiver what happened, and its secrets to nobody."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from app.commands.starter import example_batch
from tests.adapters.notify.hook_server import SILENCE, Got, Hooks, hook_server, wait_until
from tests.served_himari import Served, serving
from tests.spoken_himari import clean_directory

__all__ = ["clean_directory"]

SECRET = "whsec_" + "c4n4ry" * 6
CANARY = b"c4n4ry"


@contextmanager
def telling(
    monkeypatch: pytest.MonkeyPatch, *receivers: Hooks, **settings: str
) -> Iterator[Served]:
    urls = ",".join(f"{hooks.url}/c4n4ry-hook" for hooks in receivers)
    monkeypatch.setenv("HIMARI_NOTIFY__WEBHOOK_URLS", urls)
    monkeypatch.setenv("HIMARI_NOTIFY__WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("HIMARI_NOTIFY__FIRST_RETRY_SEC", "0.01")
    for name, value in settings.items():
        monkeypatch.setenv(f"HIMARI_{name}", value)
    with serving() as served:
        yield served


def nobody() -> str:
    """Endpoint of a policy that refuses every connection."""
    with hook_server() as gone:
        return f"{gone.url}/predict"


def decide(served: Served, **changes: Any) -> httpx.Response:
    batch = example_batch(time.time_ns()) | changes
    return httpx.post(f"{served.url}/allocate", json=batch, timeout=30.0)


def content_of(got: Got) -> Any:
    return Webhook(SECRET).verify(got.body, got.headers)


def kinds(hooks: Hooks) -> list[str]:
    return [content_of(got)["type"] for got in list(hooks.got)]


def said_by(served: Served) -> bytes:
    """Everything that may be seen of a service."""
    paths = ("state", "metrics", "circuit", "decisions", "openapi.json")
    answers = [httpx.get(f"{served.url}/{path}", timeout=30.0).content for path in paths]
    files = [each.read_bytes() for each in Path().iterdir() if each.is_file()]
    return b"".join(answers + files)


def test_an_incident_is_told_from_its_beginning_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        hook_server() as hooks,
        hook_server() as chat,
        telling(
            monkeypatch,
            hooks,
            ENABLE_RL="true",
            RL_ENDPOINT=nobody(),
            CIRCUIT_BREAKER__FAILURE_THRESHOLD="2",
            NOTIFY__APPRISE_URLS=f"json://{chat.url.removeprefix('http://')}/c4n4ry-chat",
            MAX_PORTFOLIO_PCT="0.05",
        ) as served,
    ):
        hooks.script = [500, "reset"]
        for _ in range(3):
            assert decide(served).json()["strategy"] == "fallback"
        wait_until(lambda: "limit.near" in kinds(hooks), "the limit gives a notice")
        halt = {"state": "HALTED", "reason": "bad feed"}
        assert httpx.put(f"{served.url}/trading-state", json=halt).status_code == 200
        assert httpx.post(f"{served.url}/circuit/reset").status_code == 200
        expected = {"circuit.opened", "limit.near", "trading_state.changed", "circuit.closed"}
        wait_until(lambda: set(kinds(hooks)) == expected, "every notice is sent")
        wait_until(lambda: len(chat.got) == len(expected), "apprise sent them as well")
        state = httpx.get(f"{served.url}/state").json()["notifications"]
        seen = said_by(served)
    first = hooks.got[:3]
    assert len({got.headers["webhook-id"] for got in first}) == 1
    assert len({content_of(got)["type"] for got in first}) == 1
    told = {content["type"]: content["data"] for content in map(content_of, hooks.got)}
    assert told["trading_state.changed"]["reason"] == "bad feed"
    assert told["circuit.opened"]["reason"] == "failure_threshold"
    assert told["limit.near"]["limits"][0]["identifier"] == "portfolio"
    messages = {json.loads(got.body)["message"] for got in chat.got}
    assert "Trading is HALTED: bad feed." in messages
    assert [each["receiver"] for each in state["receivers"]] == ["webhook 1", "apprise 1"]
    assert b'himari_l3_notifications_retried_total{channel="webhook"} 2.0' in seen
    assert b'himari_l3_notifications_failed_total{channel="webhook"} 0.0' in seen
    assert CANARY not in seen + served.log.read_bytes()


def test_a_receiver_that_hangs_holds_up_neither_decisions_nor_others_nor_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        hook_server() as silent,
        hook_server() as hooks,
        telling(monkeypatch, silent, hooks, NOTIFY__QUEUE="2", NOTIFY__TIMEOUT_SEC="60") as served,
    ):
        silent.script = [SILENCE] * 10
        for state in ("HALTED", "REDUCING", "HALTED", "ACTIVE"):
            body = {"state": state, "reason": "exercise"}
            assert httpx.put(f"{served.url}/trading-state", json=body).status_code == 200
            assert decide(served).status_code == 200
        hooks.wait_for(4)
        wait_until(
            lambda: (
                b'himari_l3_notifications_dropped_total{channel="webhook"} 2.0'
                in httpx.get(f"{served.url}/metrics").content
            ),
            "a full queue drops its oldest",
        )
        assert len(silent.got) == 1
        served.process.terminate()
        served.process.wait(20.0)
    assert b"notices_unsent" in served.log.read_bytes()
    assert CANARY not in served.log.read_bytes()


def test_a_start_under_a_halt_is_told_and_a_free_one_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with hook_server() as hooks:
        with telling(monkeypatch, hooks) as served:
            halt = {"state": "HALTED", "reason": "bad feed"}
            assert httpx.put(f"{served.url}/trading-state", json=halt).status_code == 200
            hooks.wait_for(1)
        with telling(monkeypatch, hooks):
            hooks.wait_for(2)
        assert kinds(hooks) == ["trading_state.changed", "trading_state.at_start"]
        told = content_of(hooks.got[1])["data"]
    assert (told["state"], told["reason"]) == ("HALTED", "bad feed")
    assert told["text"] == "The service started. Trading is HALTED: bad feed."
