"""What an operator says of the market: a price is right, a symbol was split, or is forgotten."""

from collections.abc import Mapping
from typing import Any

import structlog

from app.pipeline import events
from app.pipeline.engine import Engine

_LOG = structlog.get_logger(__name__)


class Correcting:
    """Corrects what is believed of a symbol; each act is one journalled event.

    Parameters
    ----------
    engine : Engine
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def accept_price(
        self, symbol: str, price: float, reason: str, actor: str
    ) -> dict[str, Any]:
        """Believe a price (USD a unit, > 0) from now on.

        Returns
        -------
        dict
            ``symbol``, ``price`` and ``was``: what was believed before, or None.

        Raises
        ------
        UnknownSymbol
            If nothing is known of the symbol.
        JournalUnavailable
            If it cannot be journalled.
        """
        self._engine.require_journal()
        at_ns = self._engine.world.clock.now_ns()
        was = self._engine.beliefs.market.accept(symbol, price, at_ns)
        data = {"symbol": symbol, "price": price, "at_ns": at_ns}
        await self._journal(events.ACCEPT, data, reason, actor)
        return {"symbol": symbol, "price": price, "was": was}

    async def split_symbol(
        self, symbol: str, ratio: float, reason: str, actor: str
    ) -> dict[str, Any]:
        """Divide what is known of a symbol's price by a ratio (new units per old one).

        Returns
        -------
        dict
            ``symbol``, ``ratio`` and ``bars``: how many returns are kept.

        Raises
        ------
        UnknownSymbol
            If nothing is known of the symbol.
        InvalidInput
            If no price > 0 would be left.
        JournalUnavailable
            If it cannot be journalled.
        """
        self._engine.require_journal()
        bars = self._engine.beliefs.market.split(symbol, ratio)
        await self._journal(events.SPLIT, {"symbol": symbol, "ratio": ratio}, reason, actor)
        return {"symbol": symbol, "ratio": ratio, "bars": bars}

    async def forget_symbol(self, symbol: str, reason: str, actor: str) -> dict[str, Any]:
        """Forget a symbol's prices and returns.

        Returns
        -------
        dict
            ``symbol`` and ``bars``: how many returns are gone.

        Raises
        ------
        UnknownSymbol
            If nothing is known of the symbol.
        JournalUnavailable
            If it cannot be journalled.
        """
        self._engine.require_journal()
        bars = self._engine.beliefs.market.forget(symbol)
        await self._journal(events.FORGET, {"symbol": symbol}, reason, actor)
        return {"symbol": symbol, "bars": bars}

    async def _journal(self, kind: str, act: Mapping[str, Any], reason: str, actor: str) -> None:
        data = {**act, "reason": reason, "actor": actor}
        _LOG.warning(f"market_{kind}", **data)
        await self._engine.append(kind, lambda: events.encode(data))
