"""A served decision that waits for a slow policy, while an operator halts or tightens limits."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.commands.starter import example_batch
from tests.adapters.notify.hook_server import wait_until
from tests.guide_server import GuideServer, guide_server
from tests.served_himari import Served, serving
from tests.spoken_himari import Himari, clean_directory, himari

__all__ = ["clean_directory", "himari"]

HELD = {"BTC-USD": 0.02, "ETH-USD": -0.5}
WIDE, TIGHT = 0.15, 0.01


@pytest.fixture
def policy() -> Iterator[GuideServer]:
    with guide_server() as running:
        running.let.clear()
        yield running


@pytest.fixture
def served(policy: GuideServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    limit_to(WIDE)
    settings = {
        "CONFIG_FILE": "himari.yaml",
        "ENABLE_RL": "true",
        "RL_ENDPOINT": policy.endpoint,
        "RL_TIMEOUT_SEC": "25",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"HIMARI_{name}", value)
    with serving() as running:
        yield running


def limit_to(position_pct: float) -> None:
    """Replace the configuration file by one with this position limit."""
    beside = Path("beside.yaml")
    beside.write_text(f"max_position_pct: {position_pct}\nallow_short: true\n", "ascii")
    beside.replace("himari.yaml")


def decide_across(
    served: Served, policy: GuideServer, change: Callable[[], object], **fields: Any
) -> Any:
    """Return the answer to a batch that waited for the policy while the change was made."""
    batch = example_batch(time.time_ns()) | fields
    with ThreadPoolExecutor(1) as caller:
        asked = caller.submit(httpx.post, f"{served.url}/allocate", json=batch, timeout=60.0)
        wait_until(lambda: bool(policy.asked), "the policy is asked")
        change()
        assert not asked.done()
        policy.let.set()
        answer = asked.result()
    assert answer.status_code == 200
    assert answer.json()["strategy"] == "rl"
    return answer.json()


def assert_replays(himari: Himari, decisions: int) -> None:
    said = himari("replay")
    assert f"{decisions} decisions compared, {decisions} equal" in said.out


def test_limits_that_are_tightened_while_a_decision_waits_hold_for_it(
    served: Served, policy: GuideServer, himari: Himari
) -> None:
    def tighten() -> None:
        limit_to(TIGHT)
        os.kill(served.process.pid, signal.SIGHUP)
        url = f"{served.url}/state"
        wait_until(
            lambda: httpx.get(url).json()["settings_reload"]["outcome"] == "applied",
            "the tighter limit is in force",
        )

    during = decide_across(served, policy, tighten)
    for name in ("allocations", "baseline_allocations"):
        largest = max(abs(usd) for usd in during[name].values()) / during["portfolio_value"]
        assert largest == pytest.approx(TIGHT)
    limits = {limit["limit"]: limit["limit_usd"] for limit in during["binding_limits"]}
    assert limits["position"] == pytest.approx(TIGHT * during["portfolio_value"])
    assert_replays(himari, 1)


def test_without_a_change_the_same_decision_is_larger(served: Served, policy: GuideServer) -> None:
    answer = decide_across(served, policy, lambda: None)
    largest = max(abs(usd) for usd in answer["allocations"].values())
    assert largest > 2.0 * TIGHT * answer["portfolio_value"]


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ({"state": "HALTED"}, HELD),
        ({"state": "HALTED", "flatten": True}, dict.fromkeys(HELD, 0.0)),
    ],
    ids=["halted", "flatten"],
)
def test_a_halt_that_comes_while_a_decision_waits_holds_for_it(
    served: Served, policy: GuideServer, himari: Himari, wanted: Any, kept: dict[str, float]
) -> None:
    versions: list[int] = []

    def halt() -> None:
        body = wanted | {"reason": "drill"}
        answer = httpx.put(f"{served.url}/trading-state", json=body, timeout=20.0)
        assert (answer.status_code, answer.json()["state"]) == (200, "HALTED")
        versions.append(answer.json()["control_version"])

    answer = decide_across(served, policy, halt, current_positions=HELD)
    quantities = {each["symbol"]: each["target_quantity"] for each in answer["positions"]}
    assert quantities == kept
    assert answer["trading_state"] == "HALTED"
    assert [answer["control_version"]] == versions
    assert_replays(himari, 1)
