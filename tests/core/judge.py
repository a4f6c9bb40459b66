"""An independent judge of convex problems: Clarabel, stated in the design's own variables."""

from dataclasses import dataclass

import clarabel
import numpy as np
from scipy import sparse

from app.core.portfolio.kelly import KellyProblem
from app.core.types import FloatArray


@dataclass(frozen=True, slots=True)
class Verdict:
    """Optimal weights and the multipliers of caps and rows, per unit of weight."""

    weights: FloatArray
    cap_price: FloatArray
    row_price: FloatArray


def dense_rows(problem: KellyProblem) -> FloatArray:
    rows = problem.limits.rows
    return np.asarray(rows.toarray() if sparse.issparse(rows) else rows, dtype=np.float64)


def covariance(problem: KellyProblem) -> FloatArray:
    """Signed covariance D Sigma D of shape (m, m), from the definition."""
    correlation = problem.matrix
    if correlation is None:
        assert problem.loadings is not None
        correlation = problem.loadings @ problem.loadings.T
        np.fill_diagonal(correlation, 1.0)
    signed = problem.side * problem.volatility
    return np.asarray(correlation * np.outer(signed, signed))


def growth(weights: FloatArray, problem: KellyProblem) -> float:
    """Return e'u - u'D Sigma D u / 2k - cost |u - u0|, as the design writes it."""
    edge = problem.pull * problem.volatility / problem.fraction
    risk = weights @ covariance(problem) @ weights / (2.0 * problem.fraction)
    traded = np.abs(weights - problem.side * problem.current).sum()
    return float(edge @ weights - risk - problem.cost_pct * traded)


def infeasibility(weights: FloatArray, problem: KellyProblem) -> float:
    """Largest amount by which any limit of the design is broken."""
    excess = [
        float((-weights).max()),
        float((weights - problem.size).max()),
        float((weights - problem.limits.cap).max()),
        float((dense_rows(problem) @ weights - problem.limits.room).max()),
    ]
    return max(excess)


def judge(problem: KellyProblem) -> Verdict:
    """Solve the problem by Clarabel, an interior-point method with no code in common."""
    size = len(problem.size)
    unit = problem.fraction / float(problem.volatility.max()) ** 2
    edge = problem.pull * problem.volatility / problem.fraction
    eye, rows = np.eye(size), dense_rows(problem)
    lines = np.vstack((eye, rows, eye, -eye))
    ceiling = np.concatenate(
        (problem.limits.cap, problem.limits.room, problem.size, np.zeros(size))
    )
    quadratic: FloatArray = covariance(problem) / problem.fraction * unit
    linear: FloatArray = -edge * unit
    if problem.cost_pct > 0.0:
        # one more variable a symbol, at least |u - u0|
        at = problem.side * problem.current
        lines = np.block([[lines, np.zeros_like(lines)], [eye, -eye], [-eye, -eye]])
        ceiling = np.concatenate((ceiling, at, -at))
        quadratic = np.block([[quadratic, np.zeros((size, size))], [np.zeros((size, 2 * size))]])
        linear = np.concatenate((linear, np.full(size, problem.cost_pct * unit)))
    weights, price = _clarabel(quadratic, linear, lines, ceiling)
    price = price / unit
    return Verdict(weights[:size], price[:size], price[size : size + len(rows)])


def nearest_point(
    target: FloatArray, upper: FloatArray, rows: FloatArray, room: FloatArray
) -> FloatArray:
    """Euclidean projection on ``0 <= u <= upper, rows u <= room`` by Clarabel."""
    eye = np.eye(len(target))
    lines = np.vstack((eye, -eye, rows))
    ceiling = np.concatenate((upper, np.zeros(len(target)), room))
    return _clarabel(eye, -target, lines, ceiling)[0]


def _clarabel(
    quadratic: FloatArray, linear: FloatArray, lines: FloatArray, ceiling: FloatArray
) -> tuple[FloatArray, FloatArray]:
    options = clarabel.DefaultSettings()
    options.verbose = False
    options.tol_gap_abs = options.tol_gap_rel = options.tol_feas = 1e-11
    solver = clarabel.DefaultSolver(
        sparse.triu(sparse.csc_matrix(quadratic), format="csc"),
        linear,
        sparse.csc_matrix(lines),
        ceiling,
        [clarabel.NonnegativeConeT(len(ceiling))],
        options,
    )
    solution = solver.solve()
    assert str(solution.status) in {"Solved", "AlmostSolved"}, solution.status
    return np.array(solution.x), np.array(solution.z)
