"""The steps of the stack's test, in order; each says what it saw, or what it should have seen."""

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Final

from tests.tools.stack.engine import StackBroken
from tests.tools.stack.hardening import container_faults, refuse_tools
from tests.tools.stack.stack import PROJECT, ROOT, SERVICES, VARIABLES, Stack, wait_until
from tests.tools.stack.stand_ins import make_stand_ins

IMAGES: Final = ("himari-service:0.1.0", "himari-inference:0.1.0")
ALERT: Final = "HimariCircuitOpen"
_STATE: Final = "himari_l3_circuit_breaker_state"
_HEALTHY_WITHIN_SEC: Final = 180.0
# Scraped every 15 s, not closed for 30 s, judged every 15 s, grouped for 10 s; resolved ones are
# reported a minute apart.
_TOLD_WITHIN_SEC: Final = 240.0
_ASKED: Final = frozenset({None, "low_confidence"})

Step = Callable[[Stack], str]


def base_images(stack: Stack) -> str:
    """Make the images that would be pulled."""
    made = make_stand_ins(stack.engine)
    return f"made {', '.join(made)}" if made else "kept from an earlier run"


def keys_are_asked_for(stack: Stack) -> str:
    """Refuse to start without keys, with a sentence."""
    said = stack.compose("config", "--quiet", check=False, variables=VARIABLES[1:])
    if said.code == 0 or "himari init writes .env" not in said.text:
        raise StackBroken(f"without keys compose says {said.code}: {said.text}")
    return said.text.strip().rpartition("environment.")[2]


def build(stack: Stack) -> str:
    """Build both images from the Dockerfile as it is."""
    stack.compose("build", *(["--no-cache"] if stack.is_fresh else []), "service", "inference")
    megabytes = [stack.engine.image_bytes(image) / 1e6 for image in IMAGES]
    sizes = [f"{image} {size:.0f} MB" for image, size in zip(IMAGES, megabytes, strict=True)]
    return f"{', '.join(sizes)}, {'from nothing' if stack.is_fresh else 'on layers of before'}"


def up(stack: Stack) -> str:
    """Bring up everything but Grafana and wait until all is healthy."""
    stack.compose("up", "--detach", "--no-build", *SERVICES, "webhook")
    for service in SERVICES:
        _await_health(stack, service)
    return f"{', '.join(SERVICES)} healthy"


def size_a_batch(stack: Stack) -> str:
    """Decide with the policy asked; nothing without a key but health."""
    asked_before = _answered_by_policy(stack)
    answer = stack.decide(_batch(stack))
    _require(answer["mode"] == "real", f"mode is {answer['mode']}")
    _require(answer["fallback_reason"] in _ASKED, f"fell back: {answer['fallback_reason']}")
    _require(_answered_by_policy(stack) > asked_before, "the policy was not asked")
    verdicts = {
        "service": stack.ask("SERVICE_PORT", "/allocate", _batch(stack))[0],
        "inference": stack.ask("INFERENCE_PORT", "/model")[0],
    }
    _require(set(verdicts.values()) == {401}, f"without a key: {verdicts}")
    health = {
        name: stack.ask(name, "/health/ready")[0] for name in ("SERVICE_PORT", "INFERENCE_PORT")
    }
    _require(set(health.values()) == {200}, f"health: {health}")
    return f"200, the policy answered: {answer['fallback_reason'] or 'used'}; without a key 401"


def scrape(stack: Stack) -> str:
    """See every target up and the rules read in Prometheus."""
    wait_until("four targets up", lambda: len(stack.query("up == 1")) == 4, 60.0)
    _, answer = stack.ask("PROMETHEUS_PORT", "/api/v1/rules")
    rules = [rule["name"] for group in answer["data"]["groups"] for rule in group["rules"]]
    _require(ALERT in rules, f"{ALERT} is not among {rules}")
    return f"4 targets up, {len(rules)} rules read"


def hardening(stack: Stack) -> str:
    """Look into every container, and into both images."""
    faults = [fault for service in SERVICES for fault in container_faults(stack, service)]
    _require(not faults, "; ".join(faults))
    for image in IMAGES:
        refuse_tools(stack.engine, image)
    return "no root, no capability, no new privilege, nothing writable but the volumes, no tools"


def a_crash_is_mended(stack: Stack) -> str:
    """Kill the first process of the inference container: the engine starts it anew."""
    os.kill(stack.inspect("inference")["State"]["Pid"], signal.SIGKILL)
    wait_until("started anew", lambda: stack.inspect("inference")["RestartCount"] > 0, 60.0)
    took = wait_until(
        "inference ready", lambda: stack.ask("INFERENCE_PORT", "/health/ready")[0] == 200, 60.0
    )
    return f"started anew, ready after {took:.0f} s"


def fall_back(stack: Stack) -> str:
    """Kill the inference container for good: every answer is Phase 2's until the circuit opens."""
    stack.compose("kill", "inference")
    reasons: Counter[str] = Counter()
    while not reasons["circuit_open"]:
        answer = stack.decide(_batch(stack))
        reasons[str(answer["fallback_reason"])] += 1
        _require(answer["strategy"] == "fallback", "a dead policy was used")
        _require(answer["allocations"] == answer["baseline_allocations"], "not Phase 2's sizes")
        _require(reasons.total() < 20, f"the circuit stays closed: {reasons}")
    return f"all 200: {json.dumps(reasons)}"


def breaker_in_prometheus(stack: Stack) -> str:
    """See the open breaker in Prometheus."""
    took = wait_until("breaker open in Prometheus", lambda: _breaker(stack) == [2.0], 60.0)
    return f"{_STATE} is 2 after {took:.0f} s"


def alert_arrives(stack: Stack) -> str:
    """Get the alert at a webhook, through Alertmanager."""
    took = wait_until(f"{ALERT} firing", lambda: _told(stack, "firing"), _TOLD_WITHIN_SEC)
    return f"{ALERT} firing after {took:.0f} s"


def policy_is_back(stack: Stack) -> str:
    """Start the inference container again: a probe closes the circuit, the policy is asked."""
    stack.compose("start", "inference")
    started = monotonic()
    _await_health(stack, "inference")
    answers: list[dict[str, Any]] = []

    def is_asked() -> bool:
        answers.append(stack.decide(_batch(stack)))
        return answers[-1]["circuit_state"] == "closed" and answers[-1]["fallback_reason"] in _ASKED

    wait_until("the policy asked again", is_asked, 120.0)
    return f"circuit closed {monotonic() - started:.0f} s after the start"


def alert_is_resolved(stack: Stack) -> str:
    """See the closed breaker in Prometheus, and the webhook told."""
    wait_until("breaker closed in Prometheus", lambda: _breaker(stack) == [0.0], 60.0)
    took = wait_until(f"{ALERT} resolved", lambda: _told(stack, "resolved"), _TOLD_WITHIN_SEC)
    return f"{ALERT} resolved after {took:.0f} s"


def decisions_are_kept(stack: Stack) -> str:
    """Find a decision again in a new container: it is on the volume."""
    _decide_and_find_again(stack, VARIABLES)
    return "a new container finds the decision of the one before"


def journal_in_postgres(stack: Stack) -> str:
    """Keep the journal in PostgreSQL, with the profile and the line of the example."""
    example = (ROOT / ".env.example").read_text("ascii").splitlines()
    chosen = ("# HIMARI_DATABASE_URL=", "# COMPOSE_PROFILES=")
    lines = [line.removeprefix("# ") for line in example if line.startswith(chosen)]
    (stack.engine.folder / "postgres.env").write_text("\n".join(lines) + "\n", "ascii")
    variables = (*VARIABLES, "postgres.env")
    stack.compose("up", "--detach", "--no-build", "postgres", "service", variables=variables)
    _await_health(stack, "service")
    faults = container_faults(stack, "postgres")
    _require(not faults, "; ".join(faults))
    _decide_and_find_again(stack, variables)
    said = stack.engine.podman("logs", stack.container("service"))
    _require("@postgres/himari" in said, "the service does not name the database")
    return "a new container finds the decision of the one before; the database is hardened too"


def stop(stack: Stack) -> str:
    """End both servers by SIGTERM, within their grace."""
    started = monotonic()
    stack.compose("stop", "service", "inference")
    took = monotonic() - started
    codes = {name: stack.inspect(name)["State"]["ExitCode"] for name in ("service", "inference")}
    # the inference server ends by the signal that it was sent, as a shell expects: 128 + 15
    _require(codes["service"] == 0 and codes["inference"] in {0, 143}, f"exit codes {codes}")
    _require(took < 25.0, f"took {took:.0f} s")
    return f"exit codes {json.dumps(codes)} after {took:.1f} s"


def down(stack: Stack) -> str:
    """Take everything down, volumes too."""
    stack.compose("--profile", "*", "down", "--volumes", "--remove-orphans")
    left = [
        stack.engine.podman(kind, "ls", "--quiet", "--filter", f"name={PROJECT}", *words)
        for kind, *words in (("container", "--all"), ("volume",), ("network",))
    ]
    _require(not any(left), f"left behind: {left}")
    return "no container, volume or network is left"


STEPS: Final[tuple[Step, ...]] = (
    base_images,
    keys_are_asked_for,
    build,
    up,
    size_a_batch,
    scrape,
    hardening,
    a_crash_is_mended,
    fall_back,
    breaker_in_prometheus,
    alert_arrives,
    policy_is_back,
    alert_is_resolved,
    decisions_are_kept,
    journal_in_postgres,
    stop,
    down,
)


def _require(holds: object, otherwise: str) -> None:
    if not holds:
        raise StackBroken(otherwise)


def _await_health(stack: Stack, service: str) -> None:
    wait_until(f"{service} healthy", lambda: stack.is_healthy(service), _HEALTHY_WITHIN_SEC)


def _decide_and_find_again(stack: Stack, variables: Sequence[str]) -> None:
    decision_id = stack.decide(_batch(stack))["decision_id"]
    words = ("up", "--detach", "--no-build", "--force-recreate", "--no-deps", "service")
    stack.compose(*words, variables=variables)
    _await_health(stack, "service")
    key = stack.secrets["HIMARI_API_KEYS"]
    status, answer = stack.ask("SERVICE_PORT", f"/decisions/{decision_id}", key=key)
    _require(status == 200, f"/decisions/{decision_id} answered {status}: {answer}")


def _batch(stack: Stack) -> Any:
    return json.loads((stack.engine.folder / "batch.json").read_text("ascii"))


def _answered_by_policy(stack: Stack) -> float:
    _, text = stack.ask("INFERENCE_PORT", "/metrics")
    counted = [
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("http_requests_total{") and 'handler="/predict/batch"' in line
    ]
    return sum(counted)


def _breaker(stack: Stack) -> list[float]:
    return [float(entry["value"][1]) for entry in stack.query(_STATE)]


def _told(stack: Stack, status: str) -> bool:
    _, notifications = stack.ask("TEST_WEBHOOK_PORT", "/")
    return any(
        alert["labels"]["alertname"] == ALERT and alert["status"] == status
        for notification in notifications
        for alert in notification["alerts"]
    )
