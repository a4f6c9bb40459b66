"""Row of the operator's dashboard: queue and model of the inference server."""

from typing import Final

from grafana.build.board import Row
from grafana.build.boards.states import WINDOW, quantiles
from grafana.build.panel import Panel, Query, Threshold

INFERENCE: Final = Row(
    "Inference server",
    (
        Panel(
            "Rows of a run", "How many rows the model answers together; the cap is 32.", "short",
            quantiles("himari_inference_batch_rows"), thresholds=(Threshold(32, "orange"),), low=0,
        ),
        Panel(
            "Requests that share a run", "Above 1 means that callers queue and are batched.",
            "short",
            quantiles("himari_inference_batch_callers"), low=0,
        ),
        Panel(
            "Wait in the queue", "From the queue to the first run of a request.", "s",
            quantiles("himari_inference_queue_wait_sec"), low=0,
        ),
        Panel(
            "Time of a run", "Of the model alone.", "s",
            quantiles("himari_inference_model_run_sec"), low=0,
        ),
        Panel(
            "Rows waiting", "Beyond 8,192 callers get 503.", "short",
            (Query("himari_inference_queue_rows"),), thresholds=(Threshold(8_192, "red"),), low=0,
        ),
        Panel(
            "Run at hand", "How long it has lasted; above 5 s it is stuck.", "s",
            (Query("himari_inference_model_busy_sec"),), thresholds=(Threshold(5, "red"),), low=0,
        ),
        Panel(
            "Requests that the model could not run", "Alone either: a model that is broken.", "ops",
            (Query(f"sum(rate(himari_inference_failed_callers_total[{WINDOW}]))", "failed"),),
            thresholds=(Threshold(0.001, "red"),), low=0,
        ),
        Panel(
            "HTTP answers of the inference server", "By kind of status.", "reqps",
            (Query(
                f'sum by (status) (rate(http_requests_total{{job="himari-inference"}}[{WINDOW}]))',
                "{{status}}",
            ),),
            kind="stack", low=0,
        ),
    ),
)  # fmt: skip
