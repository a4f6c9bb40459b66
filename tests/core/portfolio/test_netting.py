"""One side a symbol, and who owns it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.portfolio.netting import NetSizes, net_symbols, ownership
from app.core.signals import SignalTable, tabulate
from app.core.types import Action, FloatArray, Signal
from tests.core.decision.situations import phase1_of
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


def netted(
    table: SignalTable,
    sizes: FloatArray,
    volatility: FloatArray | None = None,
    *,
    uncapped: FloatArray | None = None,
    allow_short: bool = True,
) -> NetSizes:
    sigma = np.full(len(sizes), 0.1) if volatility is None else volatility
    return net_symbols(table, phase1_of(sizes, sigma, uncapped), allow_short=allow_short)


@pytest.mark.parametrize(
    ("actions", "sizes", "allow_short", "side", "size"),
    [
        ((BUY,), (0.3,), False, 1.0, 0.3),
        ((Action.STRONG_BUY, BUY), (0.2, 0.2), False, 1.0, 0.2),
        # a factor of 1 less 0.05 / 0.4
        ((BUY, BUY, SELL), (0.3, 0.1, 0.05), False, 1.0, 0.2625),
        # a factor of one half
        ((BUY, SELL, SELL), (0.3, 0.1, 0.05), True, 1.0, 0.15),
        # two that agree beat the larger one: 0.2 (1 - 0.3 / 0.4)
        ((BUY, SELL, SELL), (0.3, 0.2, 0.2), True, -1.0, 0.05),
        ((BUY, SELL), (0.1, 0.4), False, -1.0, 0.0),
        ((BUY, Action.STRONG_SELL), (0.1, 0.4), True, -1.0, 0.3),
        ((BUY, SELL), (0.2, 0.2), True, 0.0, 0.0),
        ((SELL,), (0.2,), True, -1.0, 0.2),
        ((SELL,), (0.2,), False, -1.0, 0.0),
        ((BUY,), (0.0,), True, 0.0, 0.0),
        ((BUY, HOLD), (0.2, 0.0), False, 1.0, 0.2),
    ],
)
def test_the_largest_of_the_winning_side_less_what_the_other_offsets(
    actions: tuple[Action, ...],
    sizes: tuple[float, ...],
    allow_short: bool,  # noqa: FBT001 - a case
    side: float,
    size: float,
) -> None:
    table = signals_on_one_symbol(*actions)
    net = netted(table, column(*sizes), allow_short=allow_short)
    assert net.side.tolist() == [side]
    assert net.size == pytest.approx([size])
    assert net.uncapped == pytest.approx([size])
    assert net.longs.tolist() == [any(action in {BUY, Action.STRONG_BUY} for action in actions)]
    assert net.shorts.tolist() == [any(action in {SELL, Action.STRONG_SELL} for action in actions)]


def test_ten_against_one_are_hardly_stopped_by_the_one() -> None:
    table = signals_on_one_symbol(*[BUY] * 10, SELL)
    assert netted(table, np.full(11, 0.1)).size == pytest.approx([0.09])


def test_the_uncapped_sizes_say_which_side_wins_and_by_how_much() -> None:
    # one of 24 times the edge behind the same cap: 0.5 (1 - 1 / 24)
    table = signals_on_one_symbol(BUY, SELL)
    net = netted(table, column(0.5, 0.5), uncapped=column(12.0, 0.5))
    assert net.size == pytest.approx([0.5 * 23 / 24])
    assert net.uncapped == pytest.approx([11.5])


def test_a_strategy_counts_once_a_side_with_its_largest() -> None:
    table = table_of(
        *(make_signal(strategy_id="a", confidence=0.1 * row, action=BUY) for row in range(1, 4)),
        make_signal(strategy_id="b", action=SELL),
        make_signal(strategy_id="c", symbol="Z", action=SELL),
    )
    net = netted(table, column(0.05, 0.2, 0.1, 0.1, 0.3))
    # T is 0.2 against 0.1 though three signals say BUY
    assert net.size == pytest.approx([0.1, 0.3])
    assert net.side.tolist() == [1.0, -1.0]


def test_sides_that_differ_by_a_rounding_offset() -> None:
    # 0.1 + 0.2 + 0.3 and 0.3 + 0.2 + 0.1 differ in the last bit
    actions = (BUY, BUY, BUY, SELL, SELL, SELL)
    net = netted(signals_on_one_symbol(*actions), column(0.1, 0.2, 0.3, 0.3, 0.2, 0.1))
    assert (net.side[0], net.size[0]) == (0.0, 0.0)


def test_the_volatility_of_the_problem_turns_the_largest_edge_into_the_largest_size() -> None:
    table = signals_on_one_symbol(BUY, BUY)
    # edges U sigma^2 are 0.2 0.01 and 0.1 0.04: the second's is larger
    net = netted(table, column(0.2, 0.1), column(0.1, 0.2))
    assert net.volatility == pytest.approx([np.sqrt(0.004 / 0.2)])
    assert net.claimed.tolist() == [0.2]


def test_one_signal_keeps_its_own_volatility_to_the_last_bit() -> None:
    net = netted(signals_on_one_symbol(BUY, SELL), column(0.3, 0.0), column(0.0123457, 0.9))
    assert net.volatility.tolist() == [0.0123457]


def test_what_is_claimed_of_a_symbol_is_the_largest_of_its_directional_signals() -> None:
    table = signals_on_one_symbol(BUY, SELL, HOLD)
    net = netted(table, column(0.1, 0.2, 0.0), column(0.04, 0.03, 0.9))
    assert net.claimed.tolist() == [0.04]
    assert net.volatility.tolist() == [0.03]


def test_a_symbol_with_hold_alone_has_no_side_size_or_volatility() -> None:
    net = netted(signals_on_one_symbol(HOLD), column(0.0))
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
    net = netted(table, column(0.1, 0.2, 0.5), column(0.1, 0.2, 0.3))
    assert table.symbols == ["A", "B"]
    # rows: A momentum, B momentum (sell), B z (buy)
    # B keeps three fifths of 0.5
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
    net = netted(empty, none)
    assert net.side.shape == net.size.shape == net.volatility.shape == (0,)
    assert ownership(empty, none, none).shape == (0,)


def wanted_by_strategy(
    table: SignalTable, sizes: FloatArray, rows: list[int], direction: float
) -> dict[str, float]:
    largest: dict[str, float] = {}
    for row in rows:
        if table.direction[row] == direction:
            name = table.signals[row].strategy_id
            largest[name] = max(float(sizes[row]), largest.get(name, 0.0))
    return largest


@given(st.lists(valid_signals(), min_size=1, max_size=8), st.data())
@settings(max_examples=50, deadline=None)
def test_shares_of_a_symbol_add_up_to_one_or_to_nothing(
    signals: list[Signal], data: st.DataObject
) -> None:
    table = table_of(*signals)
    count = len(signals)
    sizes = np.array(data.draw(st.lists(st.floats(0.0, 0.5), min_size=count, max_size=count)))
    sizes[table.direction == 0.0] = 0.0
    net = netted(table, sizes)
    share = ownership(table, sizes, net.side)
    for row, symbol in enumerate(table.symbols):
        mine = [place for place, s in enumerate(table.signals) if s.symbol == symbol]
        total = share[mine].sum()
        longs, shorts = (
            wanted_by_strategy(table, sizes, mine, direction) for direction in (1.0, -1.0)
        )
        larger, total_of = (
            max((longs, shorts), key=lambda each: sum(each.values())),
            [sum(each.values()) for each in (longs, shorts)],
        )
        factor = 1.0 - min(total_of) / max(total_of) if any(total_of) else 0.0
        assert net.size[row] == pytest.approx(factor * max(larger.values(), default=0.0))
        assert total == pytest.approx(1.0) or total == 0.0
        if net.size[row] > 0.0:
            assert total == pytest.approx(1.0)
    assert ((share >= 0.0) & (share <= 1.0)).all()
