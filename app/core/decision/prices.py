"""The one view of prices of a decision: what signals, positions, brakes and limits all read."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from app.core.books.market import LastPrice, MarketBook, PriceReport
from app.core.books.runs import is_price_jump
from app.core.params import EngineParams
from app.core.types import Batch

Source = Literal["given", "last", "none"]
_SECOND_NS: Final = 1e9


class PriceView(NamedTuple):
    """What is believed of the price of one symbol.

    Attributes
    ----------
    price : float or None, USD a unit
        The one that counts; None where there is none.
    source : "given" in the batch, "last" believed before, or "none"
    age_sec : float or None, seconds
        Time of the batch less the price's stamp, >= 0.
    given : float or None, USD a unit
        The usable one in the batch.
    doubted : bool
        Whether the given one is not believed.
    known : float or None, USD a unit
        Last believed one, however old.
    """

    price: float | None
    source: Source
    age_sec: float | None
    given: float | None
    doubted: bool
    known: float | None


def batch_time(batch: Batch) -> int:
    """Return the time of a batch in ns: its newest stamp, rejected ones too, else its receipt.

    Where the door bounds stamps, one that is ahead of the clock counts as now.
    """
    if not batch.signals:
        return batch.received_ns
    newest = max(signal.timestamp_ns for signal in batch.signals)
    return newest if batch.stamps_until_ns is None else min(newest, batch.received_ns)


def view_prices(
    symbols: Iterable[str],
    given: Mapping[str, float],
    report: PriceReport,
    market: MarketBook,
    at_ns: int,
    params: EngineParams,
) -> dict[str, PriceView]:
    """View the prices of symbols after the batch was observed.

    Parameters
    ----------
    symbols : iterable of str
        Those that are signalled or held.
    given : mapping of symbol to USD a unit
        Usable prices of the batch.
    report : PriceReport
        What became of them in the market book.
    market : MarketBook
    at_ns : int
        Time of the batch.
    params : EngineParams
    """
    unlearnt = {*report.disbelieved, *report.older}
    views: dict[str, PriceView] = {}
    for symbol in symbols:
        price = given.get(symbol)
        if price is not None and symbol not in unlearnt:
            views[symbol] = PriceView(price, "given", 0.0, price, False, price)
        else:
            views[symbol] = _viewed(price, market.last(symbol), at_ns, params)
    return views


def _viewed(
    price: float | None, last: LastPrice | None, at_ns: int, params: EngineParams
) -> PriceView:
    if last is None:
        source: Source = "none" if price is None else "given"
        age = None if price is None else 0.0
        return PriceView(price, source, age, price, doubted=False, known=price)
    doubted = price is not None and is_price_jump(price, last.price, params.brakes.price_jump_from)
    if price is not None and not doubted:
        return PriceView(price, "given", 0.0, price, doubted=False, known=price)
    age = max(at_ns - last.at_ns, 0) / _SECOND_NS
    if age > params.market.max_price_age_sec:
        return PriceView(None, "none", None, price, doubted, last.price)
    return PriceView(last.price, "last", age, price, doubted, last.price)
