"""The factor form of the correlations against the dense matrix."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.books.market import MarketBook
from app.core.limits import LimitRow, Limits
from app.core.params import MarketParams
from app.core.portfolio.factors import MAX_NORM, FactorModel, estimate_factors, loadings_for
from app.core.portfolio.kelly import KellyProblem, optimal_weights
from app.core.portfolio.structure import Structure
from app.core.types import FloatArray
from tests.core.judge import growth
from tests.core.problems import random_loadings
from tests.strategies import seeds

DAY = 86_400 * 10**9
PARAMS = MarketParams()


def book_of_factors(count: int, steps: int, seed: int, factors: int = 6) -> MarketBook:
    """Feed returns that a market factor and a few others drive, as stocks' do."""
    rng = np.random.default_rng(seed)
    loadings = random_loadings(rng, count, factors)
    own = np.sqrt(1.0 - np.square(loadings).sum(axis=1))
    noise = rng.normal(size=(steps, factors)) @ loadings.T + own * rng.normal(size=(steps, count))
    book = MarketBook(PARAMS)
    for step, row in enumerate((0.02 * noise).tolist()):
        book.observe_returns(step * DAY, {f"S{place:03}": value for place, value in enumerate(row)})
    return book


def implied(loadings: FloatArray) -> FloatArray:
    matrix: FloatArray = loadings @ loadings.T
    np.fill_diagonal(matrix, 1.0)
    return matrix


def problem_over(
    symbols: list[str], seed: int, matrix: FloatArray | None, loadings: FloatArray | None
) -> KellyProblem:
    rng, count = np.random.default_rng(seed), len(symbols)
    rows = np.vstack((np.arange(count) % 4 == np.arange(4)[:, None], np.ones(count, dtype=bool)))
    names = [LimitRow("strategy", name) for name in "abcd"] + [LimitRow("portfolio", "portfolio")]
    full = np.array([0.4] * 4 + [0.8])
    size, side = rng.uniform(0.0, 0.3, count), rng.choice([-1.0, 1.0], count, p=[0.3, 0.7])
    volatility = rng.uniform(0.01, 0.05, count)
    return KellyProblem(
        size=size,
        pull=size * volatility,
        side=side,
        volatility=volatility,
        matrix=matrix,
        loadings=loadings,
        limits=Limits(np.full(count, 0.15), rows.astype(np.float64), full, tuple(names), full),
        fraction=0.25,
        cost_pct=0.0,
        current=np.zeros(count),
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_with_200_symbols_the_factor_answer_reaches_the_dense_utility_to_half_a_percent(
    seed: int,
) -> None:
    book = book_of_factors(200, 256, seed)
    structure = Structure(book, PARAMS)
    structure.factors = estimate_factors(book, PARAMS)
    symbols = book.symbols()
    found = structure.correlations(symbols, np.ones(200))
    loadings = found.loadings
    assert found.matrix is None
    dense = problem_over(symbols, seed, structure.of_one_side(symbols), None)
    best = optimal_weights(dense)
    thin = optimal_weights(problem_over(symbols, seed, None, loadings))
    assert best.failure is None
    assert thin.failure is None
    assert (dense.limits.rows @ thin.weights <= dense.limits.room + 1e-7).all()
    # judged by the correlations that made the returns
    drawn = random_loadings(np.random.default_rng(seed), 200, 6)
    truth = problem_over(symbols, seed, implied(drawn), None)
    assert growth(thin.weights, truth) >= 0.995 * growth(best.weights, truth)
    # the dense estimate's own noise is no merit, so by its own measure a little less will do
    assert growth(thin.weights, dense) >= 0.99 * growth(best.weights, dense)


def test_as_many_factors_as_symbols_give_back_the_matrix() -> None:
    book = book_of_factors(8, 120, 3)
    model = estimate_factors(book, MarketParams(factors=8))
    dense = Structure(book, PARAMS).of_one_side(book.symbols())
    # row norms are held a thousandth below 1, which is all the difference
    assert implied(model.loadings) == pytest.approx(dense, abs=1.1e-3)
    assert np.linalg.norm(model.loadings, axis=1) == pytest.approx(np.full(8, MAX_NORM))


@given(seed=seeds, count=st.integers(2, 25), kept=st.integers(1, 12))
@settings(max_examples=15, deadline=None)
def test_rows_of_loadings_stay_below_one(seed: int, count: int, kept: int) -> None:
    book = book_of_factors(count, 30, seed)
    params = MarketParams(factors=kept)
    model = estimate_factors(book, params)
    assert model.loadings.shape == (count, min(kept, count))
    assert (np.square(model.loadings).sum(axis=1) <= 1.0 - 1e-3 + 1e-12).all()
    sides = np.array([1.0, 1.0, -1.0, -1.0])
    loadings = loadings_for(model, ["S001", "never seen", "S000", "nor this"], sides, params)
    assert (np.square(loadings).sum(axis=1) < 1.0).all()


def test_the_largest_factors_are_kept() -> None:
    book = book_of_factors(12, 120, 4, factors=1)
    one = estimate_factors(book, MarketParams(factors=1))
    dense = Structure(book, PARAMS).of_one_side(book.symbols())
    values, vectors = np.linalg.eigh(dense)
    main = np.outer(vectors[:, -1], vectors[:, -1]) * values[-1]
    off = ~np.eye(12, dtype=bool)
    assert implied(one.loadings)[off] == pytest.approx(main[off], abs=5e-3)


def test_known_symbols_get_their_own_rows_in_the_order_asked() -> None:
    book = book_of_factors(5, 60, 5)
    model = estimate_factors(book, PARAMS)
    loadings = loadings_for(model, ["S003", "S001"], np.ones(2), PARAMS)
    assert loadings.shape == (2, model.loadings.shape[1] + 2)
    assert (loadings[:, :-2] == model.loadings[[3, 1]]).all()
    assert (loadings[:, -2:] == 0.0).all()


@pytest.mark.parametrize("prior", [0.5, 0.3, 0.1])
def test_unknown_symbols_correlate_by_the_prior(prior: float) -> None:
    book = book_of_factors(30, 120, 6)
    params = MarketParams(prior_correlation=prior)
    model = estimate_factors(book, params)
    symbols = [*book.symbols(), "new one", "new two", "new three"]
    matrix = implied(loadings_for(model, symbols, np.ones(33), params))
    among = matrix[30:, 30:][~np.eye(3, dtype=bool)]
    assert among == pytest.approx(np.full(6, prior))
    with_known = matrix[30, :30]
    # no more than the prior with the average known symbol, and not far below it
    assert 0.5 * prior <= with_known.mean() <= 1.1 * prior


def test_unknown_symbols_of_opposite_sides_do_not_hedge_each_other() -> None:
    model = estimate_factors(book_of_factors(30, 120, 6), PARAMS)
    sides = np.array([1.0, 1.0, -1.0, -1.0])
    matrix = implied(loadings_for(model, ["new", "other", "short", "third"], sides, PARAMS))
    expected = np.array([[1, 0.5, 0, 0], [0.5, 1, 0, 0], [0, 0, 1, 0.5], [0, 0, 0.5, 1]])
    assert matrix == pytest.approx(expected)


@pytest.mark.parametrize("model", [None, FactorModel({}, np.empty((0, 1)), 0)])
def test_without_a_model_all_correlate_by_the_prior(model: FactorModel | None) -> None:
    sides = np.array([1.0, 1.0, -1.0])
    matrix = implied(loadings_for(model, ["A", "B", "C"], sides, PARAMS))
    assert matrix == pytest.approx(np.array([[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]))


def test_symbols_without_enough_returns_have_no_row() -> None:
    book = book_of_factors(4, 40, 7)
    for step in range(19):
        book.observe_returns((100 + step) * DAY, {"young": 0.01 * (-1) ** step})
    assert list(estimate_factors(book, PARAMS).row) == ["S000", "S001", "S002", "S003"]
    book.observe_returns(200 * DAY, {"young": 0.01})
    assert "young" in estimate_factors(book, PARAMS).row


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_symbols_give_an_empty_model(count: int) -> None:
    book = MarketBook(PARAMS) if count == 0 else book_of_factors(1, 40, 8, factors=1)
    model = estimate_factors(book, PARAMS)
    assert model.row == {}
    assert loadings_for(model, ["S000", "X"], np.ones(2), PARAMS).shape == (2, 2)
    assert model.market_version == book.version


def test_a_model_survives_json() -> None:
    book = book_of_factors(7, 60, 9)
    model = estimate_factors(book, MarketParams(factors=3))
    again = FactorModel.restore(json.loads(json.dumps(model.export())))
    assert again.row == model.row
    assert (again.loadings == model.loadings).all()
    assert again.market_version == model.market_version == book.version
    empty = FactorModel({}, np.empty((0, 1)), 4)
    assert FactorModel.restore(json.loads(json.dumps(empty.export()))).loadings.shape == (0, 1)


def test_small_batches_get_a_matrix_and_large_ones_loadings() -> None:
    structure = Structure(book_of_factors(4, 40, 10), MarketParams(dense_up_to=3))
    small = structure.correlations(["S000", "S001", "S002"], np.ones(3))
    assert small.loadings is None
    assert small.matrix is not None
    assert small.matrix.shape == (3, 3)
    large = structure.correlations(["S000", "S001", "S002", "S003"], np.ones(4))
    assert large.matrix is None
    assert large.loadings is not None
    assert large.loadings.shape == (4, 2)
    empty = structure.correlations([], np.empty(0))
    assert empty.matrix is not None
    assert empty.matrix.shape == (0, 0)
    assert structure.of_one_side(["S000", "S001", "S002", "S003"]).shape == (4, 4)


def test_factors_are_stale_after_the_refresh_interval_and_before_there_are_any() -> None:
    book = book_of_factors(3, 40, 11)
    structure = Structure(book, MarketParams(factor_refresh=2))
    assert structure.factors_are_stale()
    structure.factors = estimate_factors(book, PARAMS)
    assert not structure.factors_are_stale()
    book.observe_returns(1000 * DAY, {"S000": 0.01})
    assert not structure.factors_are_stale()
    book.observe_returns(1001 * DAY, {"S000": 0.01})
    assert structure.factors_are_stale()
