"""A mapping by protocol alone, as a pandas Series is: not a Mapping, but keys and items."""

from collections.abc import Iterator, KeysView
from typing import Any


class Series:
    """Labelled values in order."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def keys(self) -> KeysView[str]:
        """Return the labels."""
        return self._values.keys()

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield label and value."""
        return iter(self._values.items())

    def __getitem__(self, label: str) -> Any:
        return self._values[label]
