"""The service of the settings, as a program on the same machine reaches it."""

import re
import ssl
from pathlib import Path
from typing import Final

import httpx

from app.settings import Settings

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared, not bound)
_CERTIFICATE: Final = re.compile(
    r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL
)


def service_url(settings: Settings) -> str:
    """URL of the service that these settings start."""
    host = _EVERYWHERE.get(settings.host, settings.host)
    scheme = "https" if settings.ssl_certfile else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"


def service_client(settings: Settings, timeout_sec: float) -> httpx.Client:
    """Make a client that trusts the service's own certificate, whatever name it is reached by.

    Parameters
    ----------
    settings : Settings
    timeout_sec : float, seconds

    Raises
    ------
    OSError, ValueError
        If the certificate cannot be read, or the file holds none.
    """
    if settings.ssl_certfile is None:
        return httpx.Client(trust_env=False, timeout=timeout_sec)
    first = _CERTIFICATE.search(Path(settings.ssl_certfile).read_text("ascii"))
    if first is None:
        raise ValueError("it holds no certificate")
    trust = ssl.create_default_context(cadata=first.group())
    # this one certificate is trusted and no other, so its name adds nothing
    trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    trust.check_hostname = False
    return httpx.Client(trust_env=False, timeout=timeout_sec, verify=trust)
