"""The operator's web page at ``/console``: what the service does now, why, and the switches.

Server-rendered pages (``templates/``), one stylesheet and one script of our own (``static/``), htmx
out of an installed package. Pages read what the service shows and act through the same methods as
the HTTP API; ``access.py`` accepts a session, which an API key has opened, in place of the key.
"""

from app.console.context import ConsoleContext, build_console
from app.console.site import install

__all__ = ["ConsoleContext", "build_console", "install"]
