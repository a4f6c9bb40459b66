"""Phase 2 as a whole: netting, ownership, the solve, and what is said to have bound."""

import numpy as np
import pytest

from app.core.books.market import MarketBook
from app.core.limits import HeldUse
from app.core.params import BrakeParams, EngineParams, LimitParams, MarketParams, TradingParams
from app.core.portfolio.phase2 import Beside, Portfolio, build_portfolio, portfolio_volatility
from app.core.portfolio.structure import Structure
from app.core.types import Action
from tests.core.decision.situations import SHORTS, Situation, phase1_of
from tests.core.problems import random_problem

LONG_ONLY = LimitParams()
SHORT_PARAMS = EngineParams(limits=SHORTS)


def built(situation: Situation) -> Portfolio:
    return situation.portfolio(situation.table())


def test_a_lone_signal_gets_its_size_and_owns_it() -> None:
    portfolio = built(Situation((("one", "A", 0.07),)))
    assert portfolio.symbols == ["A"]
    assert portfolio.weights == pytest.approx([0.07])
    assert portfolio.share.tolist() == [1.0]
    assert portfolio.side.tolist() == [1.0]
    assert portfolio.hits == ()
    assert portfolio.failure is None


def test_two_equal_signals_on_a_symbol_get_what_one_would_and_halve_it() -> None:
    portfolio = built(Situation((("one", "A", 0.07), ("two", "A", 0.07))))
    assert portfolio.weights == pytest.approx([0.07])
    assert portfolio.share.tolist() == [0.5, 0.5]


def test_equal_and_opposite_signals_get_nothing() -> None:
    portfolio = built(Situation((("one", "A", 0.07), ("two", "A", -0.07))))
    assert portfolio.weights.tolist() == [0.0]
    assert portfolio.side.tolist() == [0.0]
    assert portfolio.leaning.tolist() == [0.0]


def test_a_sell_offsets_buys_but_opens_nothing_where_shorts_are_off() -> None:
    portfolio = built(
        Situation((("one", "A", 0.10), ("two", "A", -0.04), ("two", "B", -0.1)), limits=LONG_ONLY)
    )
    assert portfolio.weights == pytest.approx([0.06, 0.0])
    assert portfolio.side.tolist() == [1.0, 0.0]
    assert portfolio.leaning.tolist() == [1.0, -1.0]
    assert portfolio.size == pytest.approx([0.06, 0.0])
    assert portfolio.longs.tolist() == [True, False]
    assert portfolio.shorts.tolist() == [True, True]


def test_unknown_pairs_correlate_by_the_prior() -> None:
    portfolio = built(Situation((("one", "A", 0.06), ("two", "B", 0.06), ("two", "C", 0.0))))
    assert portfolio.weights == pytest.approx([0.04, 0.04, 0.0])


def test_a_symbol_with_hold_alone_takes_no_part() -> None:
    situation = Situation(
        (("one", "A", 0.06), ("one", "H", 0.0), ("two", "Z", 0.06)),
        actions={("one", "H"): Action.HOLD},
    )
    portfolio = built(situation)
    assert portfolio.symbols == ["A", "Z"]
    assert portfolio.symbol_index.tolist() == [0, 2]
    assert portfolio.weights == pytest.approx([0.04, 0.04])
    assert portfolio.share.tolist() == [1.0, 1.0, 1.0]


def test_a_strategys_limit_counts_the_first_symbol_beside_one_that_is_only_held() -> None:
    situation = Situation(
        (("one", "A", 0.06), ("one", "H", 0.0)),
        actions={("one", "H"): Action.HOLD},
        limits=LimitParams(max_strategy_pct=0.05),
    )
    portfolio = built(situation)
    assert portfolio.weights == pytest.approx([0.05])
    assert [hit.identifier for hit in portfolio.hits] == ["one"]


def test_a_symbols_cap_binds_and_says_what_was_asked() -> None:
    (hit,) = built(Situation((("one", "A", 0.40),))).hits
    assert (hit.level, hit.identifier) == ("position", "A")
    assert (hit.limit, hit.requested) == (0.15, 0.40)
    # (0.40 - 0.15) 0.05^2 / 0.25
    assert hit.shadow_price == pytest.approx(0.0025)


def test_a_strategys_limit_binds_with_what_it_holds_and_what_was_asked() -> None:
    situation = Situation(
        (("one", "A", 0.10), ("one", "B", 0.10), ("two", "B", 0.10)),
        limits=LimitParams(max_strategy_pct=0.25),
        held=HeldUse({"strategy": {"one": 0.20}, "portfolio": {"portfolio": 0.20}}),
    )
    portfolio = built(situation)
    (hit,) = portfolio.hits
    assert (hit.level, hit.identifier) == ("strategy", "one")
    assert hit.limit == 0.25
    # all of A, half of B, and what is held: 0.10 + 0.05 + 0.20
    assert hit.requested == pytest.approx(0.35)
    assert hit.shadow_price is not None
    assert hit.shadow_price > 0.0
    assert portfolio.weights[0] + 0.5 * portfolio.weights[1] == pytest.approx(0.05, abs=1e-8)


def test_the_portfolios_limit_binds_with_what_is_held() -> None:
    wishes = tuple((f"s{i}", name, 0.14) for i, name in enumerate("ABCDEF"))
    situation = Situation(wishes, held=HeldUse({"portfolio": {"portfolio": 0.7}}), volatility=0.2)
    (hit,) = built(situation).hits
    assert (hit.level, hit.identifier, hit.limit) == ("portfolio", "portfolio", 0.8)
    assert hit.requested == pytest.approx(6 * 0.14 + 0.7)


def test_a_lone_strategy_that_holds_its_limit_gives_nothing_and_others_all() -> None:
    situation = Situation(
        (("one", "A", 0.06), ("two", "B", 0.06)),
        held=HeldUse({"strategy": {"one": 0.4}, "portfolio": {"portfolio": 0.4}}),
    )
    assert built(situation).weights == pytest.approx([0.0, 0.06], abs=1e-9)


def test_a_strategy_that_holds_more_than_its_limit_does_not_close_anothers_lone_symbol() -> None:
    # a sum of cut positions can exceed the limit by a rounding
    held = HeldUse(
        {"strategy": {"holder": 0.4 + 1e-16, "one": 0.0}, "portfolio": {"portfolio": 0.4}}
    )
    wishes = (("holder", "H", 0.0), ("one", "A", 0.06))
    situation = Situation(
        wishes, held=held, actions={("holder", "H"): Action.HOLD}, limits=LONG_ONLY
    )
    assert built(situation).weights == pytest.approx([0.06])


def test_a_full_group_leaves_symbols_outside_it_alone() -> None:
    limits = LimitParams(group_caps={"g": 0.1}, groups={"g": ("H",)})
    situation = Situation(
        (("one", "A", 0.06),),
        limits=limits,
        held=HeldUse({"group": {"g": 0.1}, "portfolio": {"portfolio": 0.1}}),
    )
    assert built(situation).weights == pytest.approx([0.06])


def test_costs_reach_the_problem_through_the_current_weights() -> None:
    trading = TradingParams(cost_pct=1.0)
    situation = Situation(
        (("one", "A", 0.06), ("two", "B", -0.06)), {"A": 0.03, "B": -0.01}, trading=trading
    )
    assert built(situation).weights == pytest.approx([0.03, 0.01], abs=1e-7)


@pytest.mark.parametrize(("target", "factor"), [(0.0, 1.0), (0.001, 0.5), (1.0, 1.0)])
def test_the_volatility_target_scales_everything_by_one_factor(
    target: float, factor: float
) -> None:
    situation = Situation((("one", "A", 0.04),))
    table = situation.table()
    params = EngineParams(brakes=BrakeParams(volatility_target=target))
    portfolio = build_portfolio(
        table,
        phase1_of(np.array([0.04]), np.array([0.05])),
        Beside(),
        Structure(MarketBook(MarketParams()), MarketParams()),
        np.zeros(1),
        params,
    )
    # predicted volatility 0.04 0.05 = 0.002
    assert portfolio.weights == pytest.approx([0.04 * factor])


def test_a_volatility_target_without_any_weight_changes_nothing() -> None:
    situation = Situation((("one", "A", 0.04),))
    params = EngineParams(
        brakes=BrakeParams(volatility_target=0.01), limits=LimitParams(symbol_caps={"A": 0.0})
    )
    portfolio = build_portfolio(
        situation.table(),
        phase1_of(np.array([0.04]), np.array([0.05])),
        Beside(),
        Structure(MarketBook(MarketParams()), MarketParams()),
        np.zeros(1),
        params,
    )
    assert portfolio.weights.tolist() == [0.0]


def test_predicted_volatility_is_the_same_in_every_form() -> None:
    thin = random_problem(3, 6, in_factors=True)
    assert thin.loadings is not None
    matrix = thin.loadings @ thin.loadings.T
    np.fill_diagonal(matrix, 1.0)
    dense = random_problem(3, 6, matrix=matrix)
    weights = thin.side * np.linspace(0.01, 0.06, 6)
    risk = weights * dense.volatility
    expected = np.sqrt(risk @ matrix @ risk)
    assert portfolio_volatility(dense, weights) == pytest.approx(expected)
    assert portfolio_volatility(thin, weights) == pytest.approx(expected)
    bare = random_problem(3, 6, matrix=None)
    assert portfolio_volatility(bare, weights) == pytest.approx(np.sqrt(risk @ risk))


def beside(weights: dict[str, float], volatility: float = 0.05) -> Beside:
    return Beside(
        HeldUse(),
        tuple(weights),
        np.array(list(weights.values())),
        np.full(len(weights), volatility),
    )


def with_held(
    size: float, held: Beside, *, uncapped: float | None = None, params: EngineParams = SHORT_PARAMS
) -> Portfolio:
    """One signal of volatility 0.05 beside what is held; a negative size is a SELL."""
    phase1 = phase1_of(np.array([abs(size)]), np.array([0.05]), np.array([abs(uncapped or size)]))
    return build_portfolio(
        Situation((("one", "A", size),)).table(),
        phase1,
        held,
        Structure(MarketBook(params.market), params.market),
        np.zeros(1),
        params,
    )


@pytest.mark.parametrize(
    ("size", "held", "weight"),
    [
        # u = U - 0.5 h at equal volatility and the prior
        (0.06, beside({"H": 0.04}), 0.04),
        (0.06, beside({"H": 0.04}, 0.1), 0.02),
        (0.06, beside({"H": 0.04, "K": 0.02}), 0.03),
        (0.06, beside({"H": 0.2}), 0.0),
        # opposite sides do not hedge each other before anybody measured it
        (0.06, beside({"H": -0.04}), 0.06),
        (-0.06, beside({"H": 0.04}), 0.06),
        (-0.06, beside({"H": -0.04}), 0.04),
    ],
)
def test_a_new_bet_knows_what_is_held(size: float, held: Beside, weight: float) -> None:
    assert with_held(size, held).weights == pytest.approx([weight])


def test_what_is_held_takes_from_the_uncapped_size() -> None:
    # U = 0.2 - 0.5 0.1 is still above the size of 0.06
    portfolio = with_held(0.06, beside({"H": 0.1}), uncapped=0.2)
    assert portfolio.weights == pytest.approx([0.06])
    assert portfolio.correlations.symbols == ("A", "H")


def test_a_measured_hedge_raises_nothing_above_its_size() -> None:
    book = MarketBook(MarketParams())
    for day in range(300):
        move = 0.01 * (-1) ** day
        book.observe_returns(day * 86_400 * 10**9, {"A": move, "H": -move})
    held = beside({"H": 0.04})
    portfolio = build_portfolio(
        Situation((("one", "A", 0.06),)).table(),
        phase1_of(np.array([0.06]), np.array([0.05])),
        held,
        Structure(book, MarketParams()),
        np.zeros(1),
        SHORT_PARAMS,
    )
    assert portfolio.weights == pytest.approx([0.06])


def test_in_factors_what_is_held_counts_as_in_a_matrix() -> None:
    params = EngineParams(market=MarketParams(dense_up_to=1), limits=SHORTS)
    assert with_held(0.06, beside({"H": 0.04}), params=params).weights == pytest.approx([0.04])


def test_a_limit_binds_without_slack_where_more_was_wanted_even_at_no_price() -> None:
    # both caps fill the portfolio's limit exactly: one of the three alone moves nothing
    limits = LimitParams(max_position_pct=0.1, max_portfolio_pct=0.2)
    portfolio = built(Situation((("a", "A", 0.4), ("b", "B", 0.4)), limits=limits))
    assert portfolio.weights == pytest.approx([0.1, 0.1])
    named = {(hit.level, hit.identifier): hit.shadow_price for hit in portfolio.hits}
    assert named.keys() == {("position", "A"), ("position", "B"), ("portfolio", "portfolio")}
    assert all(price is not None and price >= 0.0 for price in named.values())


def test_a_limit_that_exactly_holds_what_was_wanted_does_not_bind() -> None:
    limits = LimitParams(max_position_pct=0.06)
    assert built(Situation((("a", "A", 0.06),), limits=limits)).hits == ()


def test_more_symbols_than_the_dense_solver_takes_are_solved_in_factors() -> None:
    count = 230
    wishes = tuple((f"s{i % 5}", f"S{i:03}", 0.02 + i / 10_000) for i in range(count))
    portfolio = built(Situation(wishes))
    assert portfolio.failure is None
    weights, rows = portfolio.weights, portfolio.limits.rows
    assert (rows @ weights <= portfolio.limits.room + 1e-7).all()
    assert (weights <= portfolio.size + 1e-12).all()
    assert weights.sum() > 0.01


def test_an_unsolvable_problem_is_flagged_and_feasible() -> None:
    situation = Situation((("one", "A", 0.3), ("one", "B", 0.3)), volatility=1e-200)
    portfolio = built(situation)
    assert portfolio.failure
    assert portfolio.weights.tolist() == [0.15, 0.15]
    assert [(hit.identifier, hit.shadow_price) for hit in portfolio.hits] == [
        ("A", None), ("B", None),
    ]  # fmt: skip


def test_an_empty_batch_gives_an_empty_portfolio() -> None:
    portfolio = built(Situation(()))
    assert portfolio.symbols == []
    assert portfolio.weights.shape == (0,)
    assert portfolio.hits == ()


@pytest.mark.parametrize(("set_apart", "weight"), [(0.0, 0.1), (0.06, 0.08), (0.2, 0.0)])
def test_what_is_set_apart_takes_of_the_portfolios_limit(set_apart: float, weight: float) -> None:
    limits = LimitParams(max_portfolio_pct=0.14, allow_short=True)
    held = HeldUse(set_apart=set_apart)
    portfolio = built(Situation((("one", "A", 0.1),), held=held, limits=limits))
    assert portfolio.weights == pytest.approx([weight])
    assert portfolio.reserved == pytest.approx(min(set_apart, 0.14))


@pytest.mark.parametrize(
    ("size", "current", "weight"),
    [(0.1, 0.03, 0.03), (0.02, 0.03, 0.02), (0.1, -0.03, 0.0), (-0.1, -0.03, 0.03)],
)
def test_what_is_set_apart_leaves_what_is_held_on_the_side_that_wins(
    size: float, current: float, weight: float
) -> None:
    limits = LimitParams(max_portfolio_pct=0.14, allow_short=True)
    situation = Situation(
        (("one", "A", size),), current={"A": current}, held=HeldUse(set_apart=0.2), limits=limits
    )
    portfolio = built(situation)
    assert portfolio.weights == pytest.approx([weight])
    assert portfolio.reserved == pytest.approx(0.14 - weight)
