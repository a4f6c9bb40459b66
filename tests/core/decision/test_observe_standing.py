"""What a batch teaches and says where signals stand."""

from dataclasses import replace
from typing import Any

import pytest

from app.core.books.standing import StandingBook
from app.core.decision.draft import draft
from app.core.decision.observe import observe_batch
from app.core.params import EngineParams, MarketParams, SignalParams
from app.core.types import Notice, Regime, Signal
from tests.core.decision.batches import PARAMS, Desk, batch_of, hold, wish
from tests.strategies import NOW_NS

STANDING = replace(PARAMS, signals=SignalParams(standing=True))
BUY = wish("one", "A", 0.1)
SEC = 10**9


def said(desk: Desk, *signals: Signal, **changes: Any) -> list[Notice]:
    """Notices of a draft but those of correlations."""
    told = desk.draft(*signals, **changes).notices
    return [notice for notice in told if notice.what != "prior_pairs"]


@pytest.mark.parametrize(
    ("params", "regime"), [(STANDING, Regime.CRISIS), (PARAMS, Regime.RANGING)]
)
def test_claims_of_a_regime_that_stand_are_heard_with_those_of_the_batch(
    params: EngineParams, regime: Regime
) -> None:
    desk = Desk(params)
    desk.observe(wish("one", "A", 0.1, regime=Regime.CRISIS, confidence=0.9))
    for step in range(1, 5):
        at_ns = NOW_NS + step * 61 * SEC
        calm = wish("two", "A", 0.1, confidence=0.2, timestamp_ns=at_ns)
        seen = desk.observe(calm, received_ns=at_ns)
    assert seen.regimes == {"A": regime}


def test_what_stands_is_no_old_news_of_a_batch() -> None:
    desk = Desk(STANDING)
    desk.observe(BUY)
    later = wish("two", "B", 0.1, timestamp_ns=NOW_NS + SEC)
    assert desk.observe(later).stale == ()
    assert said(desk, wish("two", "C", 0.1, timestamp_ns=NOW_NS + 2 * SEC)) == []
    # its own claims are, where they are not newer
    again = said(desk, wish("two", "B", 0.1, timestamp_ns=NOW_NS))
    assert [notice.what for notice in again] == ["not_newer", "not_newer"]


def test_signals_that_end_for_want_of_room_are_told() -> None:
    desk = Desk(STANDING)
    desk.beliefs.standing = StandingBook(max_pairs=2)
    assert said(desk, BUY, wish("one", "B", 0.1)) == []
    newer = NOW_NS + SEC
    signals = (wish(name, "C", 0.1, timestamp_ns=newer) for name in ("one", "two"))
    assert said(desk, *signals, received_ns=newer) == [
        Notice("no_room", None, "standing signals of 2 strategies and symbols end: no room")
    ]


def test_standing_signals_that_are_set_aside_are_told_by_symbol_and_strategy() -> None:
    desk = Desk(
        replace(STANDING, market=MarketParams(prior_correlation=0.0, max_price_age_sec=1.0))
    )
    desk.observe(wish("two", "B", 0.1), wish("one", "B", 0.1), wish("one", "C", 0.1))
    newer = NOW_NS + 2 * SEC
    fresh = wish("one", "A", 0.1, timestamp_ns=newer)
    batch = batch_of(fresh, received_ns=newer, prices={"A": 100.0, "C": 100.0})
    observed = observe_batch(batch, desk.beliefs, desk.params)
    told = draft(observed, desk.beliefs).notices
    reason = "no usable price in current_prices, and the last known one, 100, is too old"
    assert [notice for notice in told if notice.what is None] == [
        Notice(None, "B", f"{name}/B stands and is set aside: {reason}") for name in ("one", "two")
    ]
    assert observed.rejected == ()
    assert [one.symbol for one in observed.sized_batch().standing] == ["C"]
    assert len(observed.batch.standing) == 3


def test_a_hold_is_observed_once() -> None:
    desk = Desk(STANDING)
    desk.observe(BUY)
    assert [one.symbol for one in desk.observe(hold("one", "A")).table.signals] == ["A"]
    assert desk.observe().table.signals == ()


def test_with_standing_signals_off_none_is_kept_or_heard() -> None:
    desk = Desk(PARAMS)
    desk.observe(BUY)
    assert desk.beliefs.standing.pairs() == []
    assert desk.observe().batch.standing == ()
