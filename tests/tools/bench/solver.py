"""(b) The optimiser alone: against PyPortfolioOpt in time, against Clarabel in utility.

All three get the same problem: fractional multi-asset Kelly with position, strategy and portfolio
limits. PyPortfolioOpt gets it as capped mean-variance, built and solved anew each time, the only
way it can be used.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from statistics import median
from typing import Any, Final

import clarabel
import numpy as np
from scipy import sparse

from app.core.books.market import MarketBook
from app.core.limits import HeldUse, Owned, build_limits
from app.core.params import LimitParams, MarketParams
from app.core.portfolio.correlation import common_correlation, make_definite, prior_matrix
from app.core.portfolio.factors import estimate_factors, loadings_for
from app.core.portfolio.kelly import KellyProblem, optimal_weights
from app.core.types import FloatArray
from tests.tools.bench.batches import START_NS
from tests.tools.bench.rows import Row, cpu_sec

SECTION: Final = "Optimiser alone"
FRACTION: Final = 0.25
STRATEGIES: Final = 5


class BenchExtraMissing(Exception):
    """PyPortfolioOpt is not installed."""


@dataclass(frozen=True, slots=True)
class Case:
    """One problem in dense form; ``loadings`` is its factor form."""

    size: FloatArray
    volatility: FloatArray
    matrix: FloatArray
    loadings: FloatArray
    problem: KellyProblem
    factored: KellyProblem

    @property
    def covariance(self) -> FloatArray:
        """Covariance of returns, shape (m, m)."""
        scaled: FloatArray = self.matrix * np.outer(self.volatility, self.volatility)
        return scaled

    @property
    def edge(self) -> FloatArray:
        """Linear term e = size sigma^2 / k, shape (m,)."""
        edge: FloatArray = self.size * self.volatility**2 / FRACTION
        return edge

    def utility(self, weights: FloatArray) -> float:
        """Value e'u - u' Sigma u / 2k under the dense covariance."""
        return float(self.edge @ weights - weights @ self.covariance @ weights / (2 * FRACTION))


def measure(rounds: int) -> Iterator[Row]:
    """Dense at 50 and 200 symbols, factors at 200 and 1,000."""
    library = _library()
    for count, times in ((50, 60.0), (200, 12.0)):
        yield from _compare(make_case(count), library, rounds, times, factored=False)
    for count, times in ((200, 35.0), (1000, 300.0)):
        turns = rounds if count < 1000 else max(1, rounds // 3)
        yield from _compare(make_case(count), library, turns, times, factored=True)


def _library() -> Any:
    try:
        return import_module("pypfopt")
    except ImportError as error:
        raise BenchExtraMissing(
            "PyPortfolioOpt is not installed: pip install -r requirements/bench.txt, or leave the "
            "comparison out with --skip solver"
        ) from error


def make_case(count: int) -> Case:
    """Correlations learnt from 256 simulated returns with three common factors."""
    params = MarketParams()
    draw = np.random.default_rng(count)
    market = MarketBook(params)
    symbols = [f"SYM{place:04d}" for place in range(count)]
    exposure = np.abs(draw.normal(0.6, 0.2, size=(count, 3))) * [1.0, 0.4, 0.3]
    for step in range(params.history):
        common = exposure @ draw.normal(size=3)
        returns = 0.01 * (common + 0.8 * draw.normal(size=count))
        observed = dict(zip(symbols, returns.tolist(), strict=True))
        market.observe_returns(START_NS + step * 86_400 * 10**9, observed)
    sides = np.ones(count)
    prior = prior_matrix(sides, params.prior_correlation)
    shrunk = common_correlation(market.window(symbols), params)
    matrix, _ = make_definite(shrunk, prior, params.min_eigenvalue)
    loadings = loadings_for(estimate_factors(market, params), symbols, sides, params)
    size = draw.uniform(0.02, 0.30, size=count)
    volatility = draw.uniform(0.1, 0.4, size=count)
    names = [f"strategy-{place}" for place in range(STRATEGIES)]
    owned = Owned(np.arange(count) % STRATEGIES, np.arange(count), np.ones(count))
    limits = build_limits(symbols, names, owned, HeldUse(), LimitParams())

    def problem(matrix: FloatArray | None, loadings: FloatArray | None) -> KellyProblem:
        return KellyProblem(
            size=size,
            pull=size * volatility,
            side=sides,
            volatility=volatility,
            matrix=matrix,
            loadings=loadings,
            limits=limits,
            fraction=FRACTION,
            cost_pct=0.0,
            current=np.zeros(count),
        )

    dense, factored = problem(matrix, None), problem(None, loadings)
    return Case(size, volatility, matrix, loadings, dense, factored)


def _compare(
    case: Case, library: Any, rounds: int, times: float, *, factored: bool
) -> Iterator[Row]:
    asked = case.factored if factored else case.problem
    ours: list[float] = []
    theirs: list[float] = []
    for turn in range(rounds + 1):
        spent = [cpu_sec(lambda: optimal_weights(asked)) for _ in range(10)]
        other = cpu_sec(lambda: library_weights(case, library))
        if turn:
            ours += spent
            theirs.append(other)
    count = len(case.size)
    name = f"{count} assets, {'factors' if factored else 'dense'}"
    yield Row(SECTION, f"{name}: ours", 1e3 * median(ours), "ms")
    yield Row(SECTION, f"{name}: PyPortfolioOpt", 1e3 * median(theirs), "ms")
    yield Row(SECTION, f"{name}: faster by", median(theirs) / median(ours), "times", at_least=times)
    best = case.utility(clarabel_weights(case))
    gap = (best - case.utility(optimal_weights(asked).weights)) / best
    allowed = 0.005 if factored else 1e-6
    judge = "the dense optimum by Clarabel"
    yield Row(SECTION, f"{name}: utility below {judge}", max(gap, 0.0), "share", at_most=allowed)


def library_weights(case: Case, library: Any) -> FloatArray:
    """Solve the dense problem with PyPortfolioOpt, from construction to weights."""
    limits = case.problem.limits
    rows, room = np.asarray(_dense(limits.rows)), limits.room
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bounds = list(zip(np.zeros(len(case.size)), np.minimum(case.size, limits.cap), strict=True))
        frontier = library.EfficientFrontier(case.edge, case.covariance, weight_bounds=bounds)
        frontier.add_constraint(lambda w: rows @ w <= room)
        frontier.convex_objective(_negative_utility(case), weights_sum_to_one=False)
        return np.array(list(frontier.clean_weights(cutoff=0.0, rounding=16).values()))


def _negative_utility(case: Case) -> Any:
    covariance, edge = case.covariance, case.edge
    quad_form = import_module("cvxpy").quad_form
    return lambda w: quad_form(w, covariance, assume_PSD=True) / (2 * FRACTION) - edge @ w


def clarabel_weights(case: Case) -> FloatArray:
    """Solve the dense problem with Clarabel at tight tolerances: the independent judge."""
    limits, count = case.problem.limits, len(case.size)
    eye = sparse.identity(count, format="csc")
    matrix = sparse.vstack([sparse.csc_matrix(_dense(limits.rows)), eye, -eye], format="csc")
    right = np.concatenate([limits.room, np.minimum(case.size, limits.cap), np.zeros(count)])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    quadratic = sparse.triu(sparse.csc_matrix(case.covariance / FRACTION), format="csc")
    cones = [clarabel.NonnegativeConeT(len(right))]
    solver = clarabel.DefaultSolver(quadratic, -case.edge, matrix, right, cones, settings)
    return np.array(solver.solve().x)


def _dense(rows: Any) -> FloatArray:
    dense: FloatArray = rows.toarray() if sparse.issparse(rows) else np.asarray(rows)
    return dense
