"""Parsers of single settings: what a text must look like, and what of it may be shown."""

import base64
import json
import math
import re
import ssl
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from app.core.access import KeyRing, key_from_text

_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PASSWORD: Final = re.compile(r"(?<=://)([^/@]*?):[^/]*@")
_SCHEME: Final = "[a-zA-Z][a-zA-Z0-9+.-]*://"
_COMMA: Final = re.compile(",")
_COMMA_AND_SCHEME: Final = re.compile(rf",\s*(?={_SCHEME})")
_MASK: Final = "**********"


def api_keys(value: Any) -> Any:
    """Split keys between commas, or take a JSON list; each once, in visible ASCII.

    Raises
    ------
    ValueError
        If a key is empty or holds a blank, is meant as ``name:roles:hash`` and is not one, or
        contradicts another.
    """
    if isinstance(value, str):
        text = value.strip()
        value = json.loads(text) if text.startswith("[") else text.split(",")
    if not isinstance(value, list | tuple):
        return value
    keys = [key.strip() if isinstance(key, str) else key for key in value]
    plain = [key for key in keys if isinstance(key, str)]
    if not all(_VISIBLE.fullmatch(key) for key in plain):
        raise ValueError("must hold keys of visible ASCII characters, none of them empty")
    unique = tuple(dict.fromkeys(keys))
    key_ring(unique)
    return unique


def key_ring(keys: tuple[Any, ...]) -> KeyRing:
    """Hash plain keys and read entries.

    Raises
    ------
    UnusableKeys
        Which is a ValueError; it shows no key.
    """
    texts = [key.get_secret_value() if isinstance(key, SecretStr) else key for key in keys]
    return KeyRing(key_from_text(text) for text in texts if isinstance(text, str))


def webhook_urls(value: Any) -> Any:
    """Split receivers between commas, or take a JSON list; each an http or https URL.

    Raises
    ------
    ValueError
        If one is something else; it is not shown.
    """
    urls = _listed(value, _COMMA)
    for url in urls if isinstance(urls, tuple) else ():
        http_url(url)
    return urls


def apprise_urls(value: Any) -> Any:
    """Split URLs at commas that a scheme follows, or take a JSON list.

    Raises
    ------
    ValueError
        If one has no scheme; it is not shown.
    """
    urls = _listed(value, _COMMA_AND_SCHEME)
    if isinstance(urls, tuple) and not all(re.match(_SCHEME, str(url)) for url in urls):
        raise ValueError("must hold URLs with a scheme, as mailto:// or slack://")
    return urls


def webhook_secret(value: Any) -> Any:
    """Hold a text to the form of Standard Webhooks.

    Raises
    ------
    ValueError
        If it is something else; it is not shown.
    """
    if isinstance(value, str):
        prefix, _, encoded = value.partition("_")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if prefix != "whsec" or not 24 <= len(key) <= 64:
            raise ValueError("must be whsec_ and the base64 of 24 to 64 bytes")
    return value


def _listed(value: Any, between: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        text = value.strip()
        value = json.loads(text) if text.startswith("[") else between.split(text)
    if not isinstance(value, list | tuple):
        return value
    plain = (item.get_secret_value() if isinstance(item, SecretStr) else item for item in value)
    return tuple(item.strip() if isinstance(item, str) else item for item in plain)


def header_values(value: Any) -> Any:
    """Hold headers to HTTP's grammar.

    Raises
    ------
    ValueError
        If a name is not a token, or a value holds a line break.
    """
    if not isinstance(value, dict):
        return value
    for name, content in value.items():
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise ValueError("must have header names of HTTP's token characters")
        if isinstance(content, str) and not (content.isascii() and content.isprintable()):
            raise ValueError("must have header values of printable ASCII characters")
    return value


def http_url(value: Any) -> Any:
    """Hold a text to an http or https URL with a host.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if isinstance(value, str):
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or " " in value:
            raise ValueError("must be an http:// or https:// URL with a host")
        _ = parts.port  # raises ValueError where it is out of range
    return value


def database_url(value: Any) -> Any:
    """Hold a text to a SQLite or PostgreSQL URL.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if isinstance(value, str) and not re.match(r"(sqlite|postgresql)(\+\w+)?://", value):
        raise ValueError("must start with sqlite:/// or postgresql://")
    return value


def rebalance_span(value: Any) -> Any:
    """Hold a span to 0 (off) or at least 1.

    Raises
    ------
    ValueError
        If it is something else.
    """
    span = float(value) if isinstance(value, str | int | float) else math.nan
    if span != 0.0 and not 1.0 <= span < math.inf:
        raise ValueError("must be 0 (off) or >= 1")
    return span


def upper_case(value: Any) -> Any:
    """Accept a name in either case."""
    return value.upper() if isinstance(value, str) else value


def certificate_problem(certificate: str, key: str | None) -> str | None:
    """Say why a certificate and its private key (PEM files) cannot be served, or None."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # an encrypted key is refused: asking for its password would hang a service
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        return _file_fault(error)
    return None


def authorities_problem(path: str) -> str | None:
    """Say why certificate authorities (a PEM file) cannot be used, or None."""
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        return _file_fault(error)
    return None


def _file_fault(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"is not usable PEM: {error.reason or error}"
    return f"cannot be read: {error.strerror}"


def without_password(url: str) -> str:
    """Mask the password of a URL.

    >>> without_password("postgresql://himari:secret@db/himari")
    'postgresql://himari:**********@db/himari'
    """
    masked = _PASSWORD.sub(rf"\1:{_MASK}@", url)
    query = urlsplit(masked).query
    return masked.replace(query, _MASK) if "password=" in query else masked
