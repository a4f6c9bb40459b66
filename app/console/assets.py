"""Stylesheet, script and htmx: read once, served under names that hold a hash of the content.

htmx is a file of the installed package ``django-htmx``, found without importing it; where the
package is missing every page works without it.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_OWN: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HTMX: Final = ("htmx-2.min.js", "htmx.min.js")


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file: the name in templates, the name it is served under, its content."""

    name: str
    served_as: str
    media_type: str
    content: bytes


class Assets:
    """The static files of the console, by name and by served name."""

    def __init__(self) -> None:
        found = list(_read_all())
        self._by_name = {asset.name: asset for asset in found}
        self._by_path = {asset.served_as: asset for asset in found}

    def served_as(self, name: str) -> str | None:
        """Return the name of a file under ``/console/assets/``, or None for an unknown file."""
        asset = self._by_name.get(name)
        return None if asset is None else asset.served_as

    def find(self, served_as: str) -> Asset | None:
        """Return the file that is served under a name, or None."""
        return self._by_path.get(served_as)


def _read_all() -> Iterator[Asset]:
    for path in sorted(_OWN.iterdir()):
        yield _asset(path.name, path)
    htmx = _htmx_file()
    if htmx is not None:
        yield _asset("htmx.js", htmx)


def _asset(name: str, path: Path) -> Asset:
    content = path.read_bytes()
    stem, suffix = Path(name).stem, Path(name).suffix
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Asset(name, f"{stem}.{digest}{suffix}", _TYPES[suffix], content)


def _htmx_file() -> Path | None:
    spec = find_spec("django_htmx")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "static" / "django_htmx"
    return next((folder / name for name in _HTMX if (folder / name).is_file()), None)
