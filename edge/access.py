"""What any server asks of a request before it looks at who sent it."""

from starlette.types import Scope

_HEALTH = "/health/"
_METRICS = "/metrics"


def is_operational(path: str) -> bool:
    """Whether a path is that of health or metrics, which answer under any load."""
    return path.startswith(_HEALTH) or path == _METRICS


def is_open(path: str, *, metrics_open: bool) -> bool:
    """Whether a path needs no key: health always, metrics where they are open."""
    return path.startswith(_HEALTH) or (metrics_open and path == _METRICS)


def bearer_token(scope: Scope) -> bytes | None:
    """Token of the Authorization header, or None."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, token = given[0].partition(b" ")
    return bytes(token.strip()) if scheme.lower() == b"bearer" else None
