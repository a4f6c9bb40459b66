"""A caller whose numbers are wrong by powers of ten, at random."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.tools.chaos.liar_stream import CALM, SYMBOLS, draw_signal

OWN_SYMBOLS: Final = ("LIE-A", "LIE-B", "LIE-C", "LIE-D")
STRATEGY: Final = "liar"
_LARGEST_RETURN: Final = 1_000.0
# seconds, milliseconds and microseconds where nanoseconds are asked for
_UNITS_NS: Final = (10**9, 10**6, 10**3)
_HOUR_NS: Final = 3_600 * 10**9


@dataclass(frozen=True, slots=True)
class Scene:
    """What is true at the moment of a lie.

    Attributes
    ----------
    now_ns : int
    prices, returns : mapping of symbol to USD a unit, to simple return of the last step
        Of the honest symbols.
    value_usd : float
        Portfolio value that the honest caller named last.
    honest : sequence of (decision, symbols)
        Honest decisions whose outcomes are not posted yet.
    """

    now_ns: int
    prices: Mapping[str, float]
    returns: Mapping[str, float]
    value_usd: float
    honest: Sequence[tuple[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Lie:
    """One request, the kind of its lie, and the price that it wants believed, if it is one."""

    kind: str
    path: str
    body: dict[str, Any]
    price: tuple[str, float] | None = None


@dataclass(slots=True)
class Liar:
    """Draws lies; the same seed draws the same ones.

    Parameters
    ----------
    seed : int
    powers : sequence of int
        A number is wrong by ten to one of these, either way.
    habits : sequence of str, of :data:`HABITS`
    decisions : list of str
        Its own, of which it posts outcomes.
    again : list of (symbol, price)
        What it has begun to repeat.
    said : dict of str to list of float
        Factors so far, of each number.
    fates : Counter of (kind, fate)
    """

    seed: int
    powers: Sequence[int]
    habits: Sequence[str]
    decisions: list[str] = field(default_factory=list)
    again: list[tuple[str, float]] = field(default_factory=list)
    said: dict[str, list[float]] = field(default_factory=dict)
    fates: Counter[tuple[str, str]] = field(default_factory=Counter)
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def lie(self, scene: Scene) -> Lie:
        """Draw what is said next."""
        kind = self.rng.choice(self.habits)
        return Lie(kind, *HABITS[kind](self, scene))

    def factor(self, number: str) -> float:
        """Draw how wrong a number is, never alike three times running: that is its own habit."""
        said = self.said.setdefault(number, [])
        while True:
            drawn = 10.0 ** (self.rng.choice(self.powers) * self.rng.choice((1, -1)))
            if said[-2:] != [drawn, drawn]:
                said.append(drawn)
                return drawn

    def own_price(self) -> float:
        """Draw a price near 100, as its own symbols truly have."""
        return 100.0 * self.rng.uniform(0.98, 1.02)


Said = tuple[str, dict[str, Any], tuple[str, float] | None]


def _prices(scene: Scene, prices: dict[str, float], stamp_ns: int | None = None) -> Said:
    stamp = scene.now_ns if stamp_ns is None else stamp_ns
    claim = None if stamp_ns is not None else next(iter(prices.items()))
    return "/market/prices", {"timestamp_ns": stamp, "prices": prices}, claim


def _batch(liar: Liar, scene: Scene, **changed: Any) -> dict[str, Any]:
    stamp = changed.pop("stamp_ns", scene.now_ns)
    signals = [
        draw_signal(liar.rng, STRATEGY, symbol) | {"timestamp_ns": stamp, "action": "BUY"}
        for symbol in OWN_SYMBOLS[:2]
    ]
    plain = {
        "signals": signals,
        "cascade_indicators": CALM,
        "current_prices": {symbol: liar.own_price() for symbol in OWN_SYMBOLS},
        "portfolio_value": scene.value_usd,
    }
    return plain | changed


def _honest_price(liar: Liar, scene: Scene) -> Said:
    symbol = liar.rng.choice(SYMBOLS)
    return _prices(scene, {symbol: scene.prices[symbol] * liar.factor(symbol)})


def _honest_price_in_batch(liar: Liar, scene: Scene) -> Said:
    symbol = liar.rng.choice(SYMBOLS)
    body = _batch(liar, scene)
    wrong = scene.prices[symbol] * liar.factor(symbol)
    body["current_prices"][symbol] = wrong
    return ("/allocate", body, (symbol, wrong))


def _repeated_price(liar: Liar, scene: Scene) -> Said:
    if not liar.again:
        symbol = liar.rng.choice(SYMBOLS)
        liar.again = [(symbol, scene.prices[symbol] * liar.factor(symbol))] * 3
    return _prices(scene, dict([liar.again.pop()]))


def _own_price(liar: Liar, scene: Scene) -> Said:
    symbol = liar.rng.choice(OWN_SYMBOLS)
    return _prices(scene, {symbol: liar.own_price() * liar.factor(symbol)})


def _own_price_in_batch(liar: Liar, scene: Scene) -> Said:
    body = _batch(liar, scene)
    symbol = liar.rng.choice(OWN_SYMBOLS)
    body["current_prices"][symbol] *= liar.factor(symbol)
    return ("/allocate", body, (symbol, body["current_prices"][symbol]))


def _own_return(liar: Liar, scene: Scene) -> Said:
    true = liar.rng.gauss(0.0, 0.01)
    return _returns(scene, liar.rng.choice(OWN_SYMBOLS), true * liar.factor("return"))


def _honest_return(liar: Liar, scene: Scene) -> Said:
    symbol = liar.rng.choice(SYMBOLS)
    return _returns(scene, symbol, scene.returns[symbol] * liar.factor("return"))


def _returns(scene: Scene, symbol: str, wrong: float) -> Said:
    bounded = min(max(wrong, -1.0), _LARGEST_RETURN)
    body = {"timestamp_ns": scene.now_ns, "returns": {symbol: bounded}}
    return "/market/returns", body, None


def _stamp(liar: Liar, scene: Scene) -> Said:
    hours = liar.rng.choice((1, 2, 5, 8, 24)) * _HOUR_NS
    ahead = scene.now_ns + hours
    unit = scene.now_ns // liar.rng.choice(_UNITS_NS)
    symbol = liar.rng.choice(SYMBOLS)
    true = {symbol: scene.prices[symbol]}
    said = (
        _prices(scene, true, unit),
        _prices(scene, true, ahead),
        _prices(scene, true, scene.now_ns - hours),
        ("/allocate", _batch(liar, scene, stamp_ns=unit), None),
        ("/allocate", _batch(liar, scene, stamp_ns=ahead), None),
    )
    return liar.rng.choice(said)


def _value(liar: Liar, scene: Scene) -> Said:
    wrong = scene.value_usd * liar.factor("value")
    return ("/allocate", _batch(liar, scene, portfolio_value=wrong), None)


def _own_outcome(liar: Liar, _scene: Scene) -> Said:
    wrong = min(max(liar.rng.gauss(0.0, 0.01) * liar.factor("outcome"), -1.0), _LARGEST_RETURN)
    row: dict[str, Any] = {"symbol": OWN_SYMBOLS[0], "realized_return": wrong}
    if liar.decisions and liar.rng.random() < 0.5:
        row["decision_id"] = liar.decisions.pop()
    else:
        claims = {"predicted_return": 0.0005, "predicted_volatility": 0.03}
        row |= claims | {"strategy_id": STRATEGY}
    return ("/outcomes", {"outcomes": [row]}, None)


def _honest_outcome(liar: Liar, scene: Scene) -> Said:
    decision_id, symbols = liar.rng.choice(scene.honest)
    symbol = liar.rng.choice(symbols)
    wrong = min(max(scene.returns[symbol] * liar.factor("return"), -1.0), _LARGEST_RETURN)
    row = {"symbol": symbol, "realized_return": wrong, "decision_id": decision_id}
    return ("/outcomes", {"outcomes": [row]}, None)


_PROMISED: Final[Mapping[str, Callable[[Liar, Scene], Said]]] = {
    "price of an honest symbol": _honest_price,
    "price of an honest symbol, in a batch": _honest_price_in_batch,
    "price of its own symbol": _own_price,
    "price of its own symbol, in a batch": _own_price_in_batch,
    "return of its own symbol": _own_return,
    "stamp": _stamp,
    "portfolio value": _value,
    "outcome of its own strategy": _own_outcome,
}
_ATTACKS: Final[Mapping[str, Callable[[Liar, Scene], Said]]] = {
    "price of an honest symbol, three times running": _repeated_price,
    "return of an honest symbol": _honest_return,
    "outcome of an honest decision": _honest_outcome,
}
HABITS: Final = {**_PROMISED, **_ATTACKS}
# what is promised to change nothing, and what is measured apart
PROMISED: Final = tuple(_PROMISED)
ATTACKS: Final = tuple(_ATTACKS)
