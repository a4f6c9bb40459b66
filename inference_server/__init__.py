"""HIMARI's inference server: signals in, target positions with a confidence out.

The way of one request, a line per step with its file::

    settings.py              environment, read once; nothing below main sees it
    main.py                  settings in, application out: wiring only
    edge/lifecycle.py        the graceful end: not ready at once, accepting a little longer
    edge/request_id.py       an id for each request, in every line of edge/json_log.py
    edge/middleware.py       heads that make sense; whatever nothing else knew becomes a 500
    api/admission.py         so many requests at once, the others refused
    api/security.py          the caller's key
    api/body.py              JSON or msgpack; edge/body.py bounds it in bytes and time
    wire.py                  JSON or msgpack into rows, each row checked by itself
        model/rows.py            what a row may hold, and what a prediction may say
    api/predict.py           good rows to the model, bad ones answered in their place
    api/disconnect.py        cancelled when the caller closes its connection
    serving/predictor.py     the current model; decode, run, encode, check the ranges
        serving/switch.py        which model that is: switch, keep the old one, roll back
            model/loading.py         verify, set up, rehearse
            model/store.py           a version's folder, file by file by checksum
            model/card.py            what it is, and for which cases it may speak
            model/kinds.py           which setup makes a policy of it
        model/policy.py          the four verbs: setup, decode, predict, encode
        model/dummy.py           a policy without an opinion: the baseline as it is
        model/multiplier.py      the learned one: a bounded multiplier on the baseline
            model/book.py            signals by symbol
            model/features.py        what the model sees of each symbol
            model/multiplier_details.py  what it was trained on, and what lies outside
            model/onnx_model.py      the graph behind ONNX Runtime
            model/symbol_prediction.py what each signal gets of its symbol
        serving/batching.py      collect what is queued into the next run
        serving/batch_run.py     join rows of several callers, run, give each its own back
        serving/model_thread.py  the one thread that models run in
    telemetry.py             counters and gauges of GET /metrics
    api/problems.py          one table from an error to its problem+json (edge/problems.py)

``app`` and this package share the wire and the package ``edge``, and nothing else.
"""

import os

# Read by numpy's BLAS when it is loaded. Its arrays here are small: a second thread gains nothing
# on them, and on contended cores it costs five times the time.
for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")
# Builds of ONNX Runtime may report their use to an outside address unless told not to.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
