"""Production questions to what runs: the service, the policy server, and what watches them."""

from typing import Any, Final

from app.commands.doctor import check_policy
from app.commands.doctor_verdict import Deployment, Verdict, get_from, no, not_applicable, yes

_NO_POLICY: Final = "no policy is asked in this mode"
_STATE: Final = "himari_l3_circuit_breaker_state"
# a fallback that was meant to happen: the policy was taken away, and Phase 2 decided
_DRILLS: Final = ("circuit_open", "connection_error", "timeout", "bad_status", "invalid_prediction")


def check_readiness(deployment: Deployment) -> Verdict:
    """Check whether decisions can be made and kept."""

    def read(said: Any) -> Verdict:
        if said["status"] == "ready":
            return yes(f"ready, mode {said['mode']}")
        text = f"not ready: journal {said.get('journal')}, draining {said.get('draining')}"
        return no(text, "see GET /health/ready and its log")

    return deployment.judge_reply("/health/ready", read)


def check_trading_state(deployment: Deployment) -> Verdict:
    """Check whether somebody has thrown the kill switch."""

    def read(said: Any) -> Verdict:
        if said["state"] == "ACTIVE":
            return yes("ACTIVE")
        text = f"{said['state']} since {said['since_ns']} ns by {said['actor'] or 'nobody named'}"
        return no(f"{text}: {said['reason']}", "PUT /trading-state once that is over")

    return deployment.judge_reply("/trading-state", read)


def check_metrics(deployment: Deployment) -> Verdict:
    """Check whether metrics are served."""
    if not deployment.settings.enable_metrics:
        return no("metrics are off", "set HIMARI_ENABLE_METRICS=true")
    reply = deployment.get("/metrics") if deployment.is_running else None
    if reply is not None and reply.is_success:
        return yes(f"GET /metrics answers, {len(reply.content)} bytes")
    return yes("GET /metrics is on")


def check_fallback_seen(deployment: Deployment) -> Verdict:
    """Check whether Phase 2 has been seen to take over."""
    if deployment.settings.mode != "real":
        return not_applicable(_NO_POLICY)

    def read(said: Any) -> Verdict:
        reasons = [each["answer"]["fallback_reason"] for each in said["decisions"]]
        seen = [reason for reason in reasons if reason in _DRILLS]
        if seen:
            return yes(f"seen among the last fallbacks: {seen[0]}")
        todo = "PUT /circuit forced_open, send a batch, see circuit_open, PUT /circuit auto"
        return no("Phase 2 was never seen to take over", todo)

    return deployment.judge_reply("/decisions?strategy=fallback&limit=200", read)


def check_outcomes(deployment: Deployment) -> Verdict:
    """Check whether outcomes come back, so that RL is compared with Phase 2."""
    if deployment.settings.mode != "real":
        return not_applicable(_NO_POLICY)

    def read(said: Any) -> Verdict:
        paired = said["paired"]
        if paired["n"] == 0:
            todo = "POST /outcomes with the decision_id of each decision"
            return no("no outcome of a decision that used the policy is known", todo)
        return yes(f"{paired['n']} paired decisions, mean difference {paired['mean_difference']}")

    return deployment.judge_reply("/performance", read)


def check_prediction(deployment: Deployment) -> Verdict:
    """Check whether the policy answers one signal as a decision would ask it."""
    if deployment.settings.mode != "real":
        return not_applicable(_NO_POLICY)
    found = check_policy(deployment.settings)
    return no(found.text, found.remedy) if found.level == "FAIL" else yes(found.text)


def check_policy_health(deployment: Deployment) -> Verdict:
    """Check whether the policy server calls itself ready."""
    if deployment.settings.mode != "real":
        return not_applicable(_NO_POLICY)
    reply = deployment.get_from_policy("/health/ready")
    if reply is None:
        return no("the policy server does not answer", "start it, or set HIMARI_RL_ENDPOINT")
    if reply.status_code in {404, 405}:
        return not_applicable("it has no GET /health/ready")
    if not reply.is_success:
        return no(f"GET /health/ready answers {reply.status_code}", "see its log")
    return yes("GET /health/ready answers 200")


def check_prometheus(deployment: Deployment) -> Verdict:
    """Check whether Prometheus has figures of ours."""
    url = deployment.options.prometheus_url
    if url is None:
        return not_applicable("name it with --prometheus-url")
    reply = get_from(url, f"/api/v1/query?query={_STATE}")
    try:
        rows = reply.json()["data"]["result"] if reply is not None else None
    except (ValueError, LookupError, TypeError):
        rows = None
    if rows is None:
        return no(f"no Prometheus answers at {url}", "start it, or correct --prometheus-url")
    if not rows:
        return no(f"{url} has no {_STATE}", "add this service to its scrape_configs")
    return yes(f"{len(rows)} services are scraped")


def check_alerts(deployment: Deployment) -> Verdict:
    """Check whether there is somebody to tell."""
    url = deployment.options.alertmanager_url
    notify = deployment.settings.notify
    if url is not None:
        reply = get_from(url, "/-/ready")
        if reply is None or not reply.is_success:
            return no(f"no Alertmanager is ready at {url}", "start it, or correct the URL")
        return yes(f"Alertmanager at {url} is ready")
    receivers = len(notify.webhook_urls) + len(notify.apprise_urls)
    if receivers:
        return yes(f"{receivers} receivers get notices from the service itself")
    todo = "give --alertmanager-url, or set HIMARI_NOTIFY__WEBHOOK_URLS or __APPRISE_URLS"
    return no("no notice is sent when the circuit opens or trading halts", todo)


def check_dashboards(deployment: Deployment) -> Verdict:
    """Check whether Grafana answers."""
    url = deployment.options.grafana_url
    if url is None:
        return not_applicable("name it with --grafana-url")
    reply = get_from(url, "/api/health")
    if reply is None or not reply.is_success:
        return no(f"no Grafana answers at {url}", "start it, or correct --grafana-url")
    return yes(f"Grafana at {url} answers")
