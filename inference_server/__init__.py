"""HIMARI's inference server: signals in, target positions with a confidence out.

The way of one request, a line per step with its file::

    settings.py              environment, read once; nothing below main sees it
    main.py                  settings in, application out: wiring only
    edge/lifecycle.py        the graceful end: not ready at once, accepting a little longer
    edge/request_id.py       an id for each request, in every line of edge/json_log.py
    edge/middleware.py       malformed heads are refused; unexpected errors become a 500
    api/admission.py         a limit on requests at once
    api/security.py          the caller's key
    api/body.py              JSON or msgpack; edge/body.py bounds it in bytes and time
    wire.py                  JSON or msgpack into rows, each row checked by itself
        model/rows.py            ranges of a row and of a prediction
    api/predict.py           runs good rows, puts a problem in the place of bad ones
    api/disconnect.py        cancelled when the caller closes its connection
    serving/predictor.py     decode, run, encode with the current model; check the ranges
        serving/switch.py        switch the current model, keep the old one, roll back
            model/loading.py         verify, set up, run once
            model/store.py           a version's folder, file by file by checksum
            model/card.py            what it is, and how far each case is used
            model/kinds.py           which setup makes a policy of it
        model/policy.py          the four verbs: setup, decode, predict, encode
        model/dummy.py           a policy that answers the baseline
        model/multiplier.py      the learned one: a bounded multiplier on the baseline
            model/book.py            signals by symbol
            model/features.py        the model inputs of each symbol
            model/multiplier_details.py  what it was trained on, and what lies outside
            model/onnx_model.py      the graph behind ONNX Runtime
            model/symbol_prediction.py   the prediction for each signal on a symbol
        serving/batching.py      collect what is queued into the next run
        serving/batch_run.py     join rows of several callers, run, split the outputs
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
