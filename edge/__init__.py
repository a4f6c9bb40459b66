"""The edge of HTTP: what both servers need of it, once.

A file a job; none knows a route, a setting or a model, and none imports a server::

    request_id.py    the caller's id where it is sane, else a new one
    json_log.py      JSON lines with the ids of the request
    tracing.py       a span a request, where traces are asked for
    middleware.py    heads that make sense; the answer to an error that nothing else knew
    access.py        the bearer token, and which paths are always open
    locality.py      whether a request came from this machine
    browser.py       no page of another origin changes anything; headers for browsers
    body.py          a body within bounds of bytes and time
    problems.py      refusals and the form of problem+json (RFC 9457)
    openapi.py       problems, bodies and the key scheme in the OpenAPI document
    lifecycle.py     the graceful end on SIGTERM

``app`` and ``inference_server`` import this package and never each other.
"""
