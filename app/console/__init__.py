"""The operator's web page at ``/console``: what the service does now, why, and the switches.

Server-rendered pages (``templates/``), one stylesheet and one script of our own (``static/``), htmx
out of an installed package. Pages read what the service shows and act through the same methods as
the HTTP API; ``door.py`` lets a browser in on a session that an API key has opened.
"""

from app.console.context import ConsoleContext, build_console
from app.console.site import install

__all__ = ["ConsoleContext", "build_console", "install"]
