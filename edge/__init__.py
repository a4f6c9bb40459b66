"""The HTTP edge that both servers share.

One file per task; none holds a route, a setting or a model, and none imports a server::

    request_id.py    the caller's id where it is valid, else a new one
    json_log.py      JSON lines with the ids of the request
    tracing.py       one span per request, where tracing is on
    middleware.py    limits on request heads; the answer to an unexpected error
    access.py        the bearer token, and which paths are always open
    locality.py      whether a request came from this machine
    browser.py       refusal of changes by pages of another origin; security headers
    body.py          a body within limits of bytes and time
    problems.py      refusals and the form of problem+json (RFC 9457)
    openapi.py       problems, bodies and the key scheme in the OpenAPI document
    lifecycle.py     the graceful shutdown on SIGTERM

``app`` and ``inference_server`` import this package and never each other.
"""
