"""What becomes of positions that no sizing decides: closed, set apart, or left as they are.

A target of zero needs no price and no stamp; every other target needs a price that is believed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from app.core.decision.prices import PriceView
from app.core.signals import NO_PRICE
from app.core.types import DIRECTION, Batch, Notice, TradingState


@dataclass(frozen=True, slots=True)
class Unsized:
    """Symbols of a batch that are not sized, and the signals that are refused.

    Attributes
    ----------
    closed : frozenset of str
        Held, and brought to zero whatever their price.
    set_apart : tuple of str
        Held without a price and not closed, sorted.
    idle : frozenset of str
        Their signals are kept and size nothing.
    refused : mapping of index to reason
    notices : tuple of Notice
        Positions that stay open against their signal.
    """

    closed: frozenset[str] = frozenset()
    set_apart: tuple[str, ...] = ()
    idle: frozenset[str] = frozenset()
    refused: Mapping[int, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()


ALL_SIZED: Final = Unsized()


class Rule(NamedTuple):
    """What decides whether a position is closed whatever its price, besides its signals."""

    state: TradingState
    closes_all: bool
    allow_short: bool

    def closes(self, units: float, wanted: Collection[float]) -> bool:
        """Return whether a position of these units is closed under these directions.

        It is where every target is zero, where it is a short and shorts are off, and, unless
        trading is HALTED, where every direction is against it.
        """
        if self.closes_all or (units < 0.0 and not self.allow_short):
            return True
        against = bool(wanted) and all(direction * units < 0.0 for direction in wanted)
        return against and self.state is not TradingState.HALTED


def find_unsized(
    batch: Batch, views: Mapping[str, PriceView], faults: Mapping[int, str], rule: Rule
) -> Unsized:
    """Find what is closed, set apart, idle and refused in a batch.

    Parameters
    ----------
    batch : Batch
    views : mapping of symbol to PriceView
        Of every symbol that is signalled or held.
    faults : mapping of index to reason
        Signals that are refused for themselves; they count where a symbol has no others.
    rule : Rule
    """
    doubted = {symbol for symbol, view in views.items() if view.doubted}
    priceless = {symbol for symbol, view in views.items() if view.price is None}
    if not (doubted or priceless or faults):
        return ALL_SIZED
    held = {symbol: units for symbol, units in (batch.positions or {}).items() if units != 0.0}
    taken, refused = _directions(batch, faults)
    usual = taken.keys() - doubted - priceless
    concerned = (doubted | priceless | refused.keys()) - usual
    closed = {
        symbol
        for symbol in held.keys() & concerned
        if rule.closes(held[symbol], taken.get(symbol) or refused.get(symbol) or ())
    }
    open_still = held.keys() - closed - usual
    reasons: dict[int, str] = {}
    standing: set[str] = set()
    for index, signal in enumerate(batch.all_signals):
        symbol = signal.symbol
        if index not in faults and symbol not in priceless - closed:
            continue
        reasons[index] = faults.get(index) or _why_priceless(views[symbol])
        if DIRECTION[signal.action] * held.get(symbol, 0.0) < 0.0:
            if symbol in closed:
                reasons[index] += ": its position is closed all the same"
            elif symbol in open_still:
                reasons[index] += ": its position stays open against it"
                standing.add(symbol)
    return Unsized(
        closed=frozenset(closed),
        set_apart=tuple(sorted((held.keys() & priceless) - closed)),
        idle=frozenset((doubted - priceless) | (closed & priceless)),
        refused=reasons,
        notices=tuple(_left_standing(symbol, rule.state) for symbol in sorted(standing)),
    )


def _directions(
    batch: Batch, faults: Mapping[int, str]
) -> tuple[dict[str, set[float]], dict[str, set[float]]]:
    """Directions by symbol of the signals that are taken, and of those that are refused."""
    taken: dict[str, set[float]] = {}
    refused: dict[str, set[float]] = {}
    for index, signal in enumerate(batch.all_signals):
        direction = DIRECTION[signal.action]
        if direction != 0.0:
            wanted = refused if index in faults else taken
            wanted.setdefault(signal.symbol, set()).add(direction)
    return taken, refused


def _why_priceless(view: PriceView) -> str:
    if view.doubted:
        return (
            f"price {view.given:.10g} is not believed, and the last believed one, "
            f"{view.known:.10g}, is too old"
        )
    if view.known is not None:
        return f"{NO_PRICE}, and the last known one, {view.known:.10g}, is too old"
    return NO_PRICE


def _left_standing(symbol: str, state: TradingState) -> Notice:
    why = "trading is HALTED" if state is TradingState.HALTED else "see rejected_signals"
    detail = f"the position in {symbol} stays open against its signal: {why}"
    return Notice("left_standing", symbol, detail)
