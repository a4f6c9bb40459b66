"""The one view of prices: what counts, how old it is, and what is not believed."""

import pytest

from app.core.books.market import MarketBook
from app.core.decision.prices import PriceView, batch_time, view_prices
from app.core.params import EngineParams, MarketParams
from tests.strategies import NOW_NS, make_batch, make_signal

DAY_NS = 86_400 * 10**9


def view(given: float | None, known: float | None = None, age_days: float = 1.0) -> PriceView:
    book, params = MarketBook(MarketParams()), EngineParams()
    if known is not None:
        book.observe_prices(NOW_NS - int(age_days * DAY_NS), {"A": known})
    prices = {} if given is None else {"A": given}
    report = book.observe_prices(NOW_NS, prices, jump_from=params.brakes.price_jump_from)
    return view_prices(["A"], prices, report, book, NOW_NS, params)["A"]


def test_a_given_price_counts_and_has_no_age() -> None:
    assert view(5.0) == PriceView(5.0, "given", 0.0, 5.0, doubted=False, known=5.0)
    assert view(5.0, known=6.0) == PriceView(5.0, "given", 0.0, 5.0, doubted=False, known=5.0)


def test_the_last_believed_price_counts_up_to_its_greatest_age() -> None:
    last = PriceView(6.0, "last", 345_600.0, None, doubted=False, known=6.0)
    assert view(None, known=6.0, age_days=4.0) == last
    none = PriceView(None, "none", None, None, doubted=False, known=6.0)
    assert view(None, known=6.0, age_days=4.01) == none


def test_a_symbol_that_was_never_priced_has_no_price() -> None:
    assert view(None) == PriceView(None, "none", None, None, doubted=False, known=None)


@pytest.mark.parametrize(
    ("given", "doubted"), [(0.6, False), (0.59, True), (60, False), (61, True)]
)
def test_a_price_beyond_ten_times_either_way_is_doubted_and_the_believed_one_counts(
    given: float,
    doubted: bool,  # noqa: FBT001 - a case
) -> None:
    found = view(given, known=6.0)
    assert found.doubted is doubted
    assert (found.price, found.source) == ((6.0, "last") if doubted else (given, "given"))


def test_a_reference_disbelieves_however_old_it_is_and_values_nothing_then() -> None:
    found = view(1e3, known=6.0, age_days=1000.0)
    assert found == PriceView(None, "none", None, 1e3, doubted=True, known=6.0)


def test_the_time_of_a_batch_is_its_newest_stamp_and_of_an_empty_one_its_receipt() -> None:
    stamps = [make_signal(timestamp_ns=NOW_NS + ahead) for ahead in (-5, 7)]
    assert batch_time(make_batch(*stamps)) == NOW_NS + 7
    assert batch_time(make_batch(*stamps, stamps_until_ns=NOW_NS + 9)) == NOW_NS
    assert batch_time(make_batch()) == NOW_NS
