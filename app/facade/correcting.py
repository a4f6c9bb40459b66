"""Corrections of what an instance has learnt: accept, split, forget, withdraw."""

from collections.abc import Iterable
from typing import Any, Final

from app.facade.engine import Engine
from app.facade.inputs import identifier, positive, refuse
from app.pipeline.service import SizingService

_LONGEST_REASON: Final = 500
_ACTOR: Final = ""


class Correctable:
    """Corrects the beliefs of a service; each correction is one journalled event.

    Attributes
    ----------
    service : SizingService
    """

    service: SizingService
    _engine: Engine

    def accept(self, symbol: str, price: float, reason: str) -> dict[str, Any]:
        """Believe a price, as ``POST /market/accept`` does.

        Parameters
        ----------
        symbol : str
        price : float > 0, USD a unit
        reason : str
            Kept in the journal; 1 to 500 characters.

        Returns
        -------
        dict
            ``symbol``, ``price``, ``was`` (the last believed price, or None).

        Raises
        ------
        ValueError
            If a field breaks its range.
        UnknownSymbol
            If nothing is known of the symbol.
        """
        return self._engine.run(
            self.service.correcting.accept_price(
                identifier("symbol", symbol), positive("price", price), _reason(reason), _ACTOR
            )
        )

    def split(self, symbol: str, ratio: float, reason: str) -> dict[str, Any]:
        """Divide the past prices of a symbol by new units per old one.

        Returns ``symbol``, ``ratio`` and ``bars`` (returns that are kept). Raises as `accept`.
        """
        return self._engine.run(
            self.service.correcting.split_symbol(
                identifier("symbol", symbol), positive("ratio", ratio), _reason(reason), _ACTOR
            )
        )

    def forget(self, symbol: str, reason: str) -> dict[str, Any]:
        """Forget prices and returns of a symbol.

        Returns ``symbol`` and ``bars`` (returns that are gone). Raises as `accept`.
        """
        return self._engine.run(
            self.service.correcting.forget_symbol(
                identifier("symbol", symbol), _reason(reason), _ACTOR
            )
        )

    def withdraw(self, outcomes: Iterable[tuple[str, str]], reason: str) -> dict[str, int]:
        """Take outcomes back as if they had never been recorded; they may be recorded once more.

        Parameters
        ----------
        outcomes : iterable of (decision_id, symbol)
        reason : str
            Kept in the journal; 1 to 500 characters.

        Returns
        -------
        dict
            ``withdrawn`` and ``unknown``, which count outcomes.

        Raises
        ------
        ValueError
            If a field breaks its range.
        """
        pairs = [
            (identifier(f"outcomes.{index}.decision_id", decision), identifier("symbol", symbol))
            for index, (decision, symbol) in enumerate(outcomes)
        ]
        return self._engine.run(
            self.service.learning.withdraw_outcomes(pairs, _reason(reason), _ACTOR)
        )


def _reason(reason: object) -> str:
    if not isinstance(reason, str) or not reason.strip() or len(reason) > _LONGEST_REASON:
        refuse("reason", f"be a text of 1 to {_LONGEST_REASON} characters", reason)
    return reason
