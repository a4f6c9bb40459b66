"""What is told of a draft: brakes, prices, stamps, claims, correlations."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from app.core.beliefs import Beliefs
from app.core.books.market_reader import MarketReader
from app.core.decision.observe import BatchFacts, Observation
from app.core.decision.prices import PriceView
from app.core.limits import KINDS, HeldBook
from app.core.lookalikes import find_lookalikes
from app.core.params import MarketParams
from app.core.phase1 import Phase1
from app.core.portfolio.phase2 import Portfolio
from app.core.types import Notice

_DAY_SEC: Final = 86_400.0
_NAMED: Final = 20
_DUST: Final = 1e-12
# weight of the prior from which on it is told that correlations were moved towards it
_MOVED_FROM: Final = 0.1
_KIND_OF: Final = {kind.level: kind for kind in KINDS}


def draft_notices(
    observed: Observation,
    phase1: Phase1,
    portfolio: Portfolio,
    held: HeldBook,
    beliefs: Beliefs,
) -> tuple[Notice, ...]:
    """Return every notice of a draft; the order of the signals in the request has no part in it.

    Parameters
    ----------
    observed : Observation
    phase1 : Phase1
    portfolio : Portfolio
    held : HeldBook
    beliefs : Beliefs
        Read for symbols and bars.
    """
    notices = [
        Notice(None, None, f"cascade indicator {name} was not given: counted as calm")
        for name in observed.batch.calm_by_default
    ]
    notices += observed.braking.reasons
    notices += _of_inputs(observed)
    notices += observed.unsized.notices
    notices += phase1.notices
    notices += _of_pairs(portfolio, beliefs.params.market)
    notices += _of_bars(observed, beliefs.market)
    if portfolio.failure is not None:
        detail = f"the solver failed, sizes were scaled down instead: {portfolio.failure}"
        notices.append(Notice("solver", None, detail))
    trading = observed.params.trading
    slow = trading.rebalance_span > 1.0 or trading.rebalance_half_life_sec > 0.0
    if slow and observed.batch.positions is None:
        name = "REBALANCE_HALF_LIFE_SEC" if trading.rebalance_half_life_sec else "REBALANCE_SPAN"
        detail = f"{name} without current_positions never arrives: every step is from flat"
        notices.append(Notice("span_without_positions", None, detail))
    for symbol, known in find_lookalikes(observed.views, beliefs.market.tracked):
        detail = f"symbol {symbol!r} looks like {known!r}, which is known too: it is another one"
        notices.append(Notice(None, symbol, detail))
    if held.hits:
        notices += _of_cuts(held, observed.value_usd)
    notices += _of_standing(observed)
    if observed.rejected:
        count = len(observed.rejected)
        detail = f"{count} signals were rejected, see rejected_signals"
        notices.append(Notice(None, None, detail))
    return tuple(notices)


def _of_inputs(observed: Observation) -> Iterator[Notice]:
    facts, report = observed.facts, observed.facts.learnt.prices
    if facts.learnt.value.confirmed:
        detail = f"portfolio value {observed.value_usd:.10g} is believed now: several agreed"
        yield Notice(None, None, detail)
    yield from _of_missing_prices(facts)
    if report.disbelieved:
        others = set(report.disbelieved) - facts.views.keys()
        yield from _of_others("price_disbelieved", others, "prices are not believed")
    for symbol, view in facts.views.items():
        if view.source != "given":
            yield from _of_view(symbol, view)
    for symbol in observed.unsized.set_apart:
        detail = f"{symbol} is held without a usable price: it is set apart and keeps its quantity"
        yield Notice("set_apart", symbol, detail)
    for symbol in sorted(report.confirmed):
        detail = f"price of {symbol} is believed now: several agreed; the return is not learnt"
        yield Notice("price_confirmed", symbol, detail)
    for symbol in sorted(report.clipped):
        detail = f"return of {symbol} is beyond 8 of its volatilities: it counts as 8"
        yield Notice("return_clipped", symbol, detail)
    if report.no_room:
        yield from _of_room(facts, report.no_room)
    yield from _of_stamps(facts)
    if report.older or observed.stale:
        yield from _of_old_news(observed)


def _of_missing_prices(facts: BatchFacts) -> Iterator[Notice]:
    prices, views = facts.batch.prices, facts.views
    for symbol, view in views.items():
        if view.given is None and symbol in prices:
            detail = f"price of {symbol} is none, was {prices[symbol]}: it has to be > 0"
            yield Notice("price_missing", symbol, detail)
        elif view.price is None and view.given is None:
            yield Notice("price_missing", symbol, f"price of {symbol} is not in current_prices")
    if len(facts.given) < len(prices):
        others = prices.keys() - facts.given.keys() - views.keys()
        yield from _of_others("price_missing", others, "prices are none")


def _of_view(symbol: str, view: PriceView) -> Iterator[Notice]:
    if view.doubted:
        detail = (
            f"price {view.given:.10g} of {symbol} is not believed, the last believed one is "
            f"{view.known:.10g}: nothing is sized on it"
        )
        yield Notice("price_disbelieved", symbol, detail)
    elif view.age_sec is not None and view.age_sec >= _DAY_SEC:
        days = view.age_sec / _DAY_SEC
        detail = f"price {view.price:.10g} of {symbol} is the last known one, {days:.4g} days old"
        yield Notice("price_last", symbol, detail)


def _of_room(facts: BatchFacts, no_room: Collection[str]) -> Iterator[Notice]:
    for symbol in sorted(facts.views.keys() & no_room):
        detail = f"there is no room to remember {symbol}: MARKET__MAX_SYMBOLS"
        yield Notice("no_room", symbol, detail)
    others = set(no_room) - facts.views.keys()
    yield from _of_others("no_room", others, "symbols find no room (MARKET__MAX_SYMBOLS)")


def _of_stamps(facts: BatchFacts) -> Iterator[Notice]:
    until = facts.batch.stamps_until_ns
    if not facts.faults or until is None:
        return
    signals = facts.batch.all_signals
    found = [(signals[index], reason) for index, reason in facts.faults.items()]
    found.sort(key=lambda each: (each[0].symbol, each[0].strategy_id, each[0].timestamp_ns))
    for signal, reason in found:
        if signal.timestamp_ns > until:
            detail = f"{signal.strategy_id}/{signal.symbol}: {reason}"
            yield Notice("stamp_ahead", signal.symbol, detail)


def _of_old_news(observed: Observation) -> Iterator[Notice]:
    report, views = observed.facts.learnt.prices, observed.views
    older = sorted(symbol for symbol in report.older if symbol in views)
    if older:
        sole = older[0] if len(older) == 1 else None
        detail = f"not newer than what is known, used and not learnt: price of {_named(older)}"
        yield Notice("not_newer", sole, detail)
    news = report.accepted or report.disbelieved
    own = {signal.symbol for signal in observed.batch.signals}
    if not news and len(observed.stale) == len(own.intersection(observed.table.symbols)):
        detail = "nothing in this batch, prices or regimes, is newer than what is known"
        yield Notice("not_newer", None, detail)


def _of_others(what: str, symbols: Collection[str], sentence: str) -> Iterator[Notice]:
    if symbols:
        detail = f"{len(symbols)} other {sentence}: {_named(sorted(symbols))}"
        yield Notice(what, None, detail)


def _of_standing(observed: Observation) -> Iterator[Notice]:
    signals = observed.batch.all_signals
    aside = [(signals[entry.index], entry.reason) for entry in observed.set_aside]
    aside.sort(key=lambda each: (each[0].symbol, each[0].strategy_id, each[1]))
    for signal, reason in aside:
        detail = f"{signal.strategy_id}/{signal.symbol} stands and is set aside: {reason}"
        yield Notice(None, signal.symbol, detail)
    if observed.gave_way:
        detail = f"standing signals of {observed.gave_way} strategies and symbols end: no room"
        yield Notice("no_room", None, detail)


def _of_pairs(portfolio: Portfolio, params: MarketParams) -> Iterator[Notice]:
    """Tell of pairs whose correlation is mostly the prior, and of symbols it leaves no size."""
    found = portfolio.correlations
    if found.moved > _MOVED_FROM:
        detail = (
            f"correlations were moved {100.0 * found.moved:.3g} % of the way to the prior: as "
            "measured they contradict each other"
        )
        yield Notice(None, None, detail)
    if not len(found.prior_pairs):
        return
    names, pairs = found.symbols, found.prior_pairs
    rows = sorted(set(pairs.ravel().tolist()))
    of = len(names) * (len(names) - 1) // 2
    detail = (
        f"correlation of {len(pairs)} of {of} pairs is mostly the prior, "
        f"{params.prior_correlation:g} on one side, fewer than {params.prior_weight} joint returns "
        f"are known: {_named(names[row] for row in rows)}"
    )
    yield Notice("prior_pairs", None, detail)
    weights = portfolio.weights[portfolio.size > 0.0]
    for row in rows if portfolio.failure is None else ():
        if row < len(weights) and weights[row] <= _DUST:
            detail = f"{names[row]} is sized zero beside pairs whose correlation is the prior"
            yield Notice("prior_pairs", names[row], detail)


def _of_bars(observed: Observation, market: MarketReader) -> Iterator[Notice]:
    """Tell of bars that were begun anew, of prices that stand still and of stamps at an edge."""
    if market.begun_anew(observed.facts.at_ns):
        detail = "MARKET__BAR_SEC or __BAR_PHASE_SEC changed: returns are learnt anew"
        yield Notice(None, None, detail)
    symbols = list(observed.views)
    for symbol in market.standing_still(symbols):
        yield Notice(None, symbol, f"price of {symbol} has not changed for 5 bars or more")
    for symbol in market.near_edges(symbols):
        detail = (
            f"stamps of {symbol} keep within 1 % of an edge between bars: one bar may get two of "
            "them and the next none (MARKET__BAR_PHASE_SEC)"
        )
        yield Notice(None, symbol, detail)


def _of_cuts(held: HeldBook, value_usd: float) -> Iterator[Notice]:
    for hit in held.hits:
        kind = _KIND_OF[hit.level]
        detail = (
            f"{kind.words(hit.identifier)} cuts what is held, {hit.requested * value_usd:.10g} "
            f"USD, to {hit.limit * value_usd:.10g}"
        )
        symbol = hit.identifier if hit.level == "position" else None
        yield Notice("limit_cut", symbol, detail)


def _named(names: Sequence[str] | Iterable[str]) -> str:
    names = list(names)
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + rest
