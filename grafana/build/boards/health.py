"""Dashboard of the operator: both servers, the circuit between them and the journal."""

from typing import Final

from grafana.build.board import Board, Row
from grafana.build.boards.inference import INFERENCE
from grafana.build.boards.notices import NOTICES
from grafana.build.boards.states import CIRCUIT, UP, WINDOW, WRONG, quantiles
from grafana.build.panel import Panel, Query, Threshold

_JOBS: Final = '{job=~"himari.*"}'
_SERVERS: Final = Row(
    "Servers",
    (
        Panel(
            "Reached", "Whether Prometheus gets metrics.", "none",
            (Query(f"up{_JOBS}", "{{job}}"),),
            kind="stat", names=UP, width=8,
        ),
        Panel(
            "Version", "Of the allocation service and its mode.", "none",
            (Query("himari_l3_build_info", "{{version}} {{mode}}"),),
            kind="name", width=5,
        ),
        Panel(
            "Version of the inference server", "Of the package that serves the model.", "none",
            (Query("himari_inference_build_info", "{{version}}"),),
            kind="name", width=5,
        ),
        Panel(
            "Inference server ready", "Whether its readiness answers 200.", "none",
            (Query("himari_inference_ready"),),
            kind="stat", names={0: ("no", "red"), 1: ("yes", "green")}, width=6,
        ),
        Panel(
            "Memory", "Resident, by server; a slope that never ends is a leak.", "bytes",
            (Query(f"process_resident_memory_bytes{_JOBS}", "{{job}}"),), low=0,
        ),
        Panel(
            "CPU", "Cores in use; each server decides on one.", "percentunit",
            (Query(f"rate(process_cpu_seconds_total{_JOBS}[{WINDOW}])", "{{job}}"),),
            thresholds=(Threshold(0.9, "orange"),), low=0,
        ),
        Panel(
            "Open files", "Share of the limit; at 100 % no connection is accepted.", "percentunit",
            (Query(f"process_open_fds{_JOBS} / process_max_fds{_JOBS}", "{{job}}"),),
            thresholds=(Threshold(0.8, "orange"), Threshold(1, "red")), low=0,
        ),
    ),
)  # fmt: skip
_CIRCUIT: Final = Row(
    "Circuit",
    (
        Panel(
            "State", "Closed lets all through, half open one probe, open nobody.", "none",
            (Query("himari_l3_circuit_breaker_state"),),
            kind="states", names=CIRCUIT, width=16,
        ),
        Panel(
            "Mode", "What the operator has set: auto, forced open or disabled.", "none",
            (Query("himari_l3_circuit_breaker_mode == 1", "{{mode}}"),),
            kind="name", width=8,
        ),
        Panel(
            "Calls, failures, fallbacks", "Of the breaker, a second.", "ops",
            tuple(
                Query(f"sum(rate(himari_l3_circuit_breaker_{what}_total[{WINDOW}]))", what)
                for what in ("requests", "failures", "fallbacks")
            ),
            low=0,
        ),
        Panel(
            "Failures in a row", "Five open the circuit, unless the setting says otherwise.",
            "short",
            (Query("himari_l3_circuit_breaker_consecutive_failures"),),
            thresholds=(Threshold(5, "red"),), low=0,
        ),
        Panel(
            "Success rate", "Share of calls that succeeded since the start.", "percentunit",
            (Query("himari_l3_circuit_breaker_success_rate"),),
            thresholds=(Threshold(0.9, "orange"), Threshold(0.99, "green")),
            base="red", low=0, high=1,
        ),
        Panel(
            "Wait before a probe", "Now in force, and what is left of it; it doubles up to 300 s.",
            "s",
            (
                Query("himari_l3_circuit_breaker_timeout_sec", "in force {{instance}}"),
                Query("himari_l3_circuit_breaker_retry_in_sec", "left {{instance}}"),
            ),
            thresholds=(Threshold(300, "orange"),), low=0,
        ),
        Panel(
            "Changes of state",
            "By new state, an hour: often open and closed is a policy that flaps.",
            "short",
            (Query(
                "sum by (state) (increase(himari_l3_circuit_breaker_transitions_total[1h]))",
                "{{state}}",
            ),),
            low=0,
        ),
        Panel(
            "Places for calls to the policy", "In use, and all; full means `overloaded`.", "short",
            (
                Query("himari_l3_policy_slots_in_use", "in use {{instance}}"),
                Query("himari_l3_policy_slots", "all {{instance}}"),
            ),
            low=0,
        ),
        Panel(
            "Requests to the policy",
            "Sent, and refused by it with 4xx: our mistake, not a failure.",
            "reqps",
            (
                Query(f"sum(rate(himari_l3_policy_calls_total[{WINDOW}]))", "sent"),
                Query(f"sum(rate(himari_l3_policy_client_errors_total[{WINDOW}]))", "refused"),
            ),
            low=0,
        ),
        Panel(
            "Held by Retry-After", "How long the policy asks to be left alone.", "s",
            (Query("himari_l3_policy_held_sec"),), low=0,
        ),
    ),
)  # fmt: skip
_LATENCY: Final = Row(
    "Latency and load",
    (
        Panel(
            "Decision, 99th percentile by stage",
            "`total` is what the caller waits for but HTTP; the promise is 99 % within 250 ms.",
            "ms",
            (quantiles("himari_l3_decision_latency_ms", "stage")[1],),
            thresholds=(Threshold(250, "red"),), low=0,
        ),
        Panel(
            "Decision, median by stage", "Where the time goes on an ordinary day.", "ms",
            (quantiles("himari_l3_decision_latency_ms", "stage")[0],), low=0,
        ),
        Panel(
            "Slow decisions", "Share over 250 ms; 1 % is promised, the alerts act at 14.4 and 6 %.",
            "percentunit",
            (
                Query("himari:decisions_slow:ratio_rate5m", "5 minutes"),
                Query("himari:decisions_slow:ratio_rate1h", "1 hour"),
                Query("himari:decisions_slow:ratio_rate6h", "6 hours"),
            ),
            thresholds=(
                Threshold(0.01, "yellow"), Threshold(0.06, "orange"), Threshold(0.144, "red"),
            ),
            low=0,
        ),
        Panel(
            "HTTP answers of the service", "By kind of status; 4xx is the caller's, 5xx ours.",
            "reqps",
            (Query(
                f'sum by (status) (rate(http_requests_total{{job="himari"}}[{WINDOW}]))',
                "{{status}}",
            ),),
            kind="stack", low=0,
        ),
        Panel(
            "HTTP time by server", "Median and 99th percentile of every request.", "s",
            (
                *quantiles("http_request_duration_highr_seconds", "job", '{job="himari"}'),
                *quantiles("http_request_duration_seconds", "job", '{job="himari-inference"}'),
            ),
            low=0,
        ),
        Panel(
            "Requests admitted", "In flight, waiting, and how many get in at most.", "short",
            (
                Query("himari_l3_requests_in_flight", "in flight {{instance}}"),
                Query("himari_l3_requests_waiting", "waiting {{instance}}"),
                Query("himari_l3_requests_limit", "at most {{instance}}"),
            ),
            low=0,
        ),
        Panel(
            "Requests turned away", "With 503 and Retry-After, because too many were there.",
            "reqps",
            (Query(f"rate(himari_l3_requests_refused_total[{WINDOW}])", "{{instance}}"),),
            thresholds=(Threshold(0.001, "orange"),), low=0,
        ),
    ),
)  # fmt: skip
_JOURNAL: Final = Row(
    "Journal",
    (
        Panel(
            "Refusing", "Whether nothing is decided because the journal cannot be written.", "none",
            (Query("himari_l3_journal_refusing"),),
            kind="states", names=WRONG, width=24,
        ),
        Panel(
            "Lag", "Age of the oldest event not yet written; callers wait for it.", "s",
            (Query("himari_l3_journal_lag_sec"),), thresholds=(Threshold(1, "red"),), low=0,
        ),
        Panel(
            "Events waiting", "Not yet written; 10,000 at most.", "short",
            (Query("himari_l3_journal_pending"),),
            thresholds=(Threshold(1_000, "orange"), Threshold(10_000, "red")), low=0,
        ),
        Panel(
            "Requests refused for it", "With 503 because the journal fails.", "ops",
            (Query(f"sum(rate(himari_l3_journal_errors_total[{WINDOW}]))", "refused"),),
            thresholds=(Threshold(0.001, "red"),), low=0,
        ),
    ),
)  # fmt: skip
BOARD: Final = Board(
    uid="himari-health",
    title="HIMARI: system health and circuit",
    description="Both servers, the circuit between them, latency, load and the journal.",
    reader="operator",
    rows=(_SERVERS, _CIRCUIT, _LATENCY, _JOURNAL, INFERENCE, NOTICES),
)
