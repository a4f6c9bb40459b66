"""All panels, and the search of one by name."""

from collections.abc import Sequence
from typing import Final

from inference_server.training.data.dated import (
    BTC_HOURLY,
    CRYPTO,
    ETFS,
    EURUSD_HOURLY,
    FACTORS,
    GOOGLE,
    INDICES,
    SP500_INDEX,
    STOCKS,
)
from inference_server.training.data.errors import UnknownPanel
from inference_server.training.data.sources import Source
from inference_server.training.data.undated import DJIA, MSCI, NYSE_NEW, NYSE_OLD, SP500, TSE

SOURCES: Final = (
    STOCKS,
    SP500_INDEX,
    FACTORS,
    ETFS,
    INDICES,
    GOOGLE,
    CRYPTO,
    BTC_HOURLY,
    EURUSD_HOURLY,
    NYSE_OLD,
    NYSE_NEW,
    TSE,
    MSCI,
    DJIA,
    SP500,
)


def find_sources(names: Sequence[str]) -> tuple[Source, ...]:
    """Find panels by name, in the order of the names; no names mean all of them.

    Raises
    ------
    UnknownPanel
        At the first name that no panel has; the message lists those there are.
    """
    known = {source.name: source for source in SOURCES}
    for name in names:
        if name not in known:
            raise UnknownPanel(f"panel must be one of {', '.join(known)}, was {name}")
    return tuple(known[name] for name in names) if names else SOURCES
