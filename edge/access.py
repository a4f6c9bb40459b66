"""The bearer token of a request, and which paths need none."""

from starlette.types import Scope

_HEALTH = "/health/"
_METRICS = "/metrics"


def is_operational(path: str) -> bool:
    """Return whether a path is of health or metrics, which answer under any load."""
    return path.startswith(_HEALTH) or path == _METRICS


def is_open(path: str, *, metrics_open: bool) -> bool:
    """Return whether a path needs no key: health always, metrics where they are open."""
    return path.startswith(_HEALTH) or (metrics_open and path == _METRICS)


def bearer_token(scope: Scope) -> bytes | None:
    """Return the bearer token of the one Authorization header, None without one."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, token = given[0].partition(b" ")
    return bytes(token.strip()) if scheme.lower() == b"bearer" else None
