"""One side a symbol, and who owns it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.portfolio.netting import net_symbols, ownership
from app.core.signals import SignalTable, tabulate
from app.core.types import Action, FloatArray, Signal
from tests.strategies import make_batch, make_signal, valid_signals


def table_of(*signals: Signal) -> SignalTable:
    return tabulate(make_batch(*signals))[0]


def signals_on_one_symbol(*actions: Action) -> SignalTable:
    return table_of(
        *(make_signal(strategy_id=f"s{row}", action=action) for row, action in enumerate(actions))
    )


def column(*values: float) -> FloatArray:
    return np.array(values, dtype=np.float64)


BUY, SELL, HOLD = Action.BUY, Action.SELL, Action.HOLD


@pytest.mark.parametrize(
    ("actions", "sizes", "allow_short", "side", "size", "requested"),
    [
        ((BUY,), (0.3,), False, 1.0, 0.3, 0.3),
        ((Action.STRONG_BUY, BUY), (0.2, 0.2), False, 1.0, 0.2, 0.2),
        ((BUY, BUY, SELL), (0.3, 0.1, 0.05), False, 1.0, 0.25, 0.3),
        ((BUY, SELL, SELL), (0.3, 0.1, 0.05), True, 1.0, 0.2, 0.3),
        ((BUY, SELL), (0.1, 0.4), False, -1.0, 0.0, 0.4),
        ((BUY, Action.STRONG_SELL), (0.1, 0.4), True, -1.0, 0.3, 0.4),
        ((BUY, SELL), (0.2, 0.2), True, 0.0, 0.0, 0.2),
        ((SELL,), (0.2,), True, -1.0, 0.2, 0.2),
        ((SELL,), (0.2,), False, -1.0, 0.0, 0.2),
        ((BUY,), (0.0,), True, 0.0, 0.0, 0.0),
        ((BUY, HOLD), (0.2, 0.0), False, 1.0, 0.2, 0.2),
    ],
)
def test_the_larger_size_of_each_side_less_the_other(
    actions: tuple[Action, ...],
    sizes: tuple[float, ...],
    allow_short: bool,  # noqa: FBT001 - a case
    side: float,
    size: float,
    requested: float,
) -> None:
    table = signals_on_one_symbol(*actions)
    net = net_symbols(table, column(*sizes), np.full(len(sizes), 0.1), allow_short=allow_short)
    assert net.side.tolist() == [side]
    assert net.size == pytest.approx([size])
    assert net.requested == pytest.approx([requested])
    assert net.longs.tolist() == [any(action in {BUY, Action.STRONG_BUY} for action in actions)]
    assert net.shorts.tolist() == [any(action in {SELL, Action.STRONG_SELL} for action in actions)]


def test_the_volatility_of_a_symbol_is_the_largest_that_a_directional_signal_claims() -> None:
    table = signals_on_one_symbol(BUY, SELL, HOLD)
    net = net_symbols(table, column(0.1, 0.2, 0.0), column(0.02, 0.03, 0.9), allow_short=True)
    assert net.volatility.tolist() == [0.03]


def test_a_symbol_with_hold_alone_has_no_side_size_or_volatility() -> None:
    net = net_symbols(signals_on_one_symbol(HOLD), column(0.0), column(0.1), allow_short=True)
    assert (net.side[0], net.size[0]) == (0.0, 0.0)
    assert not net.volatility[0] > 0.0
    assert not net.longs[0]
    assert not net.shorts[0]


def test_symbols_do_not_mix() -> None:
    table = table_of(
        make_signal(symbol="B", action=SELL),
        make_signal(symbol="A", action=BUY),
        make_signal(symbol="B", strategy_id="z", action=BUY),
    )
    net = net_symbols(table, column(0.1, 0.2, 0.5), column(0.1, 0.2, 0.3), allow_short=True)
    assert table.symbols == ["A", "B"]
    # rows: A momentum, B momentum (sell), B z (buy)
    assert net.size == pytest.approx([0.1, 0.3])
    assert net.side.tolist() == [1.0, 1.0]
    assert net.volatility.tolist() == [0.1, 0.3]
    assert net.shorts.tolist() == [False, True]


def test_the_signals_of_the_side_own_the_symbol_in_proportion_to_their_sizes() -> None:
    table = signals_on_one_symbol(BUY, BUY, SELL, HOLD)
    share = ownership(table, column(0.3, 0.1, 0.2, 0.0), column(1.0))
    assert share == pytest.approx([0.75, 0.25, 0.0, 0.0])
    short = ownership(table, column(0.3, 0.1, 0.2, 0.0), column(-1.0))
    assert short.tolist() == [0.0, 0.0, 1.0, 0.0]


def signals_of(*names: str) -> SignalTable:
    """BUYs of one symbol, told apart by their confidence; the table keeps their order."""
    return table_of(
        *(
            make_signal(strategy_id=name, action=BUY, confidence=0.1 * (row + 1))
            for row, name in enumerate(names)
        )
    )


def test_a_strategy_owns_by_its_largest_size_on_the_side_which_equal_ones_share() -> None:
    table = signals_of("a", "a", "a", "b", "b")
    share = ownership(table, column(0.1, 0.2, 0.2, 0.1, 0.05), column(1.0))
    assert share == pytest.approx([0.0, 1 / 3, 1 / 3, 1 / 3, 0.0])


def test_strategies_whose_sizes_are_all_zero_own_equally_however_many_signals_they_have() -> None:
    share = ownership(signals_of("a", "a", "b"), np.zeros(3), column(1.0))
    assert share == pytest.approx([0.25, 0.25, 0.5])


def test_the_largest_of_a_strategy_is_found_on_each_symbol_and_side_alone() -> None:
    table = table_of(
        make_signal(strategy_id="a", symbol="X", action=BUY, confidence=0.5),
        make_signal(strategy_id="a", symbol="X", action=SELL, confidence=0.5),
        make_signal(strategy_id="a", symbol="Y", action=BUY),
        make_signal(strategy_id="b", symbol="X", action=BUY),
    )
    # rows: X/a BUY, X/a SELL, X/b, Y/a
    share = ownership(table, column(0.1, 0.4, 0.3, 0.2), column(1.0, 1.0))
    assert share == pytest.approx([0.25, 0.0, 0.75, 1.0])
    turned = ownership(table, column(0.1, 0.4, 0.3, 0.2), column(-1.0, 1.0))
    assert turned.tolist() == [0.0, 1.0, 0.0, 1.0]


def test_signals_of_the_side_that_are_all_zero_own_it_equally() -> None:
    table = signals_on_one_symbol(BUY, BUY, SELL)
    assert ownership(table, column(0.0, 0.0, 0.2), column(1.0)).tolist() == [0.5, 0.5, 0.0]
    assert ownership(table, column(0.1, 0.0, 0.0), column(0.0)).tolist() == [1.0, 0.0, 0.0]


def test_hold_signals_own_a_symbol_equally_where_nothing_directional_names_it() -> None:
    table = signals_on_one_symbol(HOLD, HOLD, HOLD)
    share = ownership(table, np.zeros(3), column(0.0))
    assert share == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_a_side_that_no_signal_supports_has_no_owner() -> None:
    table = signals_on_one_symbol(SELL)
    assert ownership(table, column(0.2), column(1.0)).tolist() == [0.0]


def test_an_empty_batch_has_no_sides_and_no_owners() -> None:
    empty = table_of()
    none = np.empty(0)
    net = net_symbols(empty, none, none, allow_short=True)
    assert net.side.shape == net.size.shape == net.volatility.shape == (0,)
    assert ownership(empty, none, none).shape == (0,)


@given(st.lists(valid_signals(), min_size=1, max_size=8), st.data())
@settings(max_examples=50, deadline=None)
def test_shares_of_a_symbol_add_up_to_one_or_to_nothing(
    signals: list[Signal], data: st.DataObject
) -> None:
    table = table_of(*signals)
    count = len(signals)
    sizes = np.array(data.draw(st.lists(st.floats(0.0, 0.5), min_size=count, max_size=count)))
    sizes[table.direction == 0.0] = 0.0
    net = net_symbols(table, sizes, np.full(count, 0.1), allow_short=True)
    share = ownership(table, sizes, net.side)
    for row, symbol in enumerate(table.symbols):
        mine = [place for place, s in enumerate(table.signals) if s.symbol == symbol]
        total = share[mine].sum()
        longs = sizes[[p for p in mine if table.direction[p] > 0.0]].max(initial=0.0)
        shorts = sizes[[p for p in mine if table.direction[p] < 0.0]].max(initial=0.0)
        assert net.size[row] == abs(longs - shorts)
        assert total == pytest.approx(1.0) or total == 0.0
        if net.size[row] > 0.0:
            assert total == pytest.approx(1.0)
    assert ((share >= 0.0) & (share <= 1.0)).all()
