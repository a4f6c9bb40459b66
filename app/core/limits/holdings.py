"""What is held: weights and parts of strategies, as limits read and cut them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LimitHit:
    """A limit that bound: amounts are fractions of portfolio value.

    The price is the gain of utility a unit if this limit alone were wider; None where it cut held
    positions, or where the solver gave no answer.
    """

    level: str
    identifier: str
    limit: float
    requested: float
    shadow_price: float | None = None


@dataclass(frozen=True, slots=True)
class Holdings:
    """What limits count: signed weights by symbol, and the gross of each strategy's parts.

    ``by_strategy`` is empty where the parts are unknown.
    """

    weights: Mapping[str, float]
    by_strategy: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HeldUse:
    """What held positions already use of each limit: by level, then by identifier.

    ``set_apart`` is what positions without a price take of the gross room of new ones. All of it
    was divided by ``multiplier``.
    """

    by_level: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    set_apart: float = 0.0
    multiplier: float = 1.0

    def of(self, level: str) -> Mapping[str, float]:
        """Use of the limits of one level; an identifier that is not there uses nothing."""
        return self.by_level.get(level, {})

    def at_full_scale(self, multiplier: float) -> "HeldUse":
        """Divide by the cascade multiplier, so that it fits limits at multiplier 1."""
        if multiplier <= 0.0:
            return HeldUse()
        return HeldUse(
            {
                level: {identifier: used / multiplier for identifier, used in uses.items()}
                for level, uses in self.by_level.items()
            },
            self.set_apart / multiplier,
            multiplier,
        )


@dataclass(slots=True)
class HeldBook:
    """Held symbols, before and after the limits.

    ``owners`` maps a symbol to each owner's share of it, which sum to 1; ``weights`` are signed
    fractions by symbol; ``owned`` maps (symbol, strategy) to the strategy's part; ``use`` is what
    limits have left to give elsewhere; ``hits`` are the limits that cut.
    """

    owners: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    owned: dict[tuple[str, str], float] = field(default_factory=dict)
    use: HeldUse = field(default_factory=HeldUse)
    hits: list[LimitHit] = field(default_factory=list)

    def hold(self, symbol: str, weight: float) -> None:
        """Set the weight of a symbol and share it among its owners."""
        self.weights[symbol] = weight
        for strategy, share in self.owners.get(symbol, {}).items():
            self.owned[symbol, strategy] = weight * share

    def scale(self, symbols: Collection[str], factor: float) -> None:
        """Multiply the weights of symbols, and every owner's part of them."""
        for symbol in symbols:
            self.weights[symbol] *= factor
        for key in self.owned:
            if key[0] in symbols:
                self.owned[key] *= factor

    def scale_strategy(self, strategy: str, factor: float) -> None:
        """Multiply the parts of one strategy; weights follow."""
        for symbol, shares in self.owners.items():
            if symbol in self.weights and strategy in shares:
                self.owned[symbol, strategy] *= factor
                self.weights[symbol] = sum(self.owned[symbol, name] for name in shares)

    def rescaled(self, weights: Mapping[str, float]) -> "HeldBook":
        """Return a copy in which some symbols have other weights, and their owners' parts follow.

        A symbol of weight zero keeps it.
        """
        factors = {s: weights[s] / self.weights[s] for s in weights if self.weights[s] != 0.0}
        owned = {key: part * factors.get(key[0], 1.0) for key, part in self.owned.items()}
        changed = {symbol: weights[symbol] for symbol in factors}
        return HeldBook(self.owners, {**self.weights, **changed}, owned, self.use, self.hits)

    def holdings(self) -> Holdings:
        """Weights as they are now, and the gross of each strategy's parts."""
        gross: dict[str, float] = {}
        for symbol, shares in self.owners.items():
            for strategy in shares:
                part = abs(self.owned.get((symbol, strategy), 0.0))
                gross[strategy] = gross.get(strategy, 0.0) + part
        return Holdings(self.weights, gross)
