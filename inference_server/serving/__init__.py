"""From a request's rows to its answer: decode, collect, run, split.

``predictor.py`` is what the routes call; ``decoding.py`` reads rows of several callers at once,
``batching.py`` collects them, ``batch_run.py`` runs and splits, ``model_thread.py`` is where the
model runs, ``switch.py`` changes the version while requests go on.
"""
