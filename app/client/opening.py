"""Address, header fields and trusted authorities of either client."""

import ssl
from typing import Final, TypeVar
from urllib.parse import urlsplit

from app.client.attempts import ClientOptions
from app.client.calls import Call

Answer = TypeVar("Answer")

DEFAULT_URL: Final = "http://127.0.0.1:8000"


def headers_of(api_key: str | None, options: ClientOptions) -> dict[str, str]:
    """Return the header fields of every request."""
    bearer = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
    return {"Accept-Encoding": "identity", **options.headers, **bearer}


def checked_address(base_url: str) -> str:
    """Return the address if requests can be sent to it.

    Raises
    ------
    ValueError
        If it is not an http or https URL with a host.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"base_url must be an http:// or https:// URL, was {base_url!r}")
    return base_url


def trust_of(base_url: str, options: ClientOptions) -> ssl.SSLContext | None:
    """Return the SSL context of https, which takes a while to make; None for http."""
    if not base_url.startswith("https:"):
        return None
    return ssl.create_default_context(cafile=options.ca_file)


def fields_of(call: Call[Answer]) -> dict[str, str]:
    """Return the header fields of one request."""
    typed = {} if call.body is None else {"Content-Type": "application/json"}
    return {**typed, **call.headers}
