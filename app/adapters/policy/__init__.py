"""The policy behind the pipeline's ``PolicyClient`` port.

``http.py`` asks a server: one batch call a decision; ``post.py`` is one POST under a deadline,
``wire.py`` what crosses the wire and what of a reply counts. ``mock.py`` answers from a seed.
"""
