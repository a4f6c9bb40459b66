"""The edge of HTTP: what both servers need of it, once.

A file a job; none knows a route, a setting or a model, and none imports a server::

    lifecycle.py     the graceful end on SIGTERM
    json_log.py      JSON lines with the ids of the request
    request_id.py    the caller's id where it is sane, else a new one
    tracing.py       a span a request, where traces are asked for

``app`` and ``inference_server`` import this package and never each other.
"""
