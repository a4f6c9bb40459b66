"""Policy clients behind the pipeline's ``PolicyClient`` port.

``http.py`` calls a policy server, one batch call per decision; ``post.py`` sends one POST under a
deadline; ``wire.py`` encodes requests and validates replies; ``mock.py`` predicts from a seed;
``options.py`` is what a client may be given.
"""
