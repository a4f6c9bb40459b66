"""Who owned each side of each symbol in the last decision that gave it a weight there."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

Shares = Mapping[str, float]
NOBODY: Final[Shares] = MappingProxyType({})


class OwnerBook:
    """Shares of the strategies in each side of a symbol, updated once per decision.

    Parameters
    ----------
    max_symbols : int
        Sides that are remembered; those of the newest decision always are.
    """

    def __init__(self, max_symbols: int) -> None:
        self._max = max_symbols
        # by symbol and whether it is the long side; the newest last
        self._shares: dict[tuple[str, bool], Shares] = {}

    def of(self, symbol: str, weight: float) -> Shares:
        """Return who owns a position of this sign, as shares that sum to 1; empty: nobody.

        Parameters
        ----------
        symbol : str
        weight : float, signed, finite

        Returns
        -------
        mapping of strategy to its share, > 0
        """
        return self._shares.get((symbol, weight > 0.0), NOBODY)

    def strategies(self, weights: Mapping[str, float]) -> set[str]:
        """Name the owners of positions, given as signed weights by symbol."""
        return {name for symbol, weight in weights.items() for name in self.of(symbol, weight)}

    def learn(self, positions: Iterable[Mapping[str, Any]]) -> None:
        """Learn the owners of every position that has a target other than zero.

        Parameters
        ----------
        positions : iterable of mapping
            Those of an answer: ``symbol``, ``target_usd`` and ``contributions``.
        """
        shares, learnt = self._shares, 0
        for position in positions:
            target = position["target_usd"]
            if not target:
                continue
            side = (position["symbol"], target > 0.0)
            shares.pop(side, None)
            owned = _shares_of(position["contributions"], target)
            if owned:
                shares[side] = owned
                learnt += 1
        while len(shares) > max(self._max, learnt):
            del shares[next(iter(shares))]

    def export(self) -> list[list[Any]]:
        """Return the state as JSON-able data, exact to the last bit."""
        return [[symbol, long, dict(owned)] for (symbol, long), owned in self._shares.items()]

    def restore(self, data: Iterable[Iterable[Any]]) -> None:
        """Replace the state by one that :meth:`export` returned."""
        self._shares = {(symbol, long): owned for symbol, long, owned in data}


def _shares_of(parts: list[Mapping[str, Any]], target: float) -> dict[str, float]:
    """Return each strategy's share of what strategies contribute to a target's side."""
    if len(parts) == 1:
        owner, usd = parts[0]["strategy_id"], parts[0]["final_usd"]
        return {} if owner is None or not usd / target > 0.0 else {owner: 1.0}
    sizes: dict[str, float] = {}
    for part in parts:
        # a ratio, so that no sum overflows
        name, size = part["strategy_id"], part["final_usd"] / target
        if name is not None and size > 0.0:
            sizes[name] = sizes.get(name, 0.0) + size
    total = sum(sizes.values())
    return {name: size / total for name, size in sizes.items()}
