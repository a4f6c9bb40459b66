"""Random problems of the optimiser's kind, each a function of its seed."""

from typing import Any

import numpy as np

from app.core.limits import LimitRow, Limits
from app.core.portfolio.kelly import KellyProblem
from app.core.types import FloatArray


def random_loadings(rng: np.random.Generator, size: int, factors: int) -> FloatArray:
    """Draw a market factor and some weaker ones, row norms between 0.3 and 0.95."""
    raw = rng.normal(0.0, 0.3, (size, factors))
    raw[:, 0] += 1.0
    norm = np.sqrt(np.square(raw).sum(axis=1))
    loadings: FloatArray = raw * (rng.uniform(0.3, 0.95, size) / norm)[:, None]
    return loadings


def correlation_of(loadings: FloatArray) -> FloatArray:
    matrix: FloatArray = loadings @ loadings.T
    np.fill_diagonal(matrix, 1.0)
    return matrix


def random_limits(rng: np.random.Generator, size: int, *, tight: bool) -> Limits:
    """Caps, three strategies that share symbols, and the portfolio; tight ones bind."""
    owner = rng.integers(0, 3, size)
    second = rng.integers(0, 3, size)
    part = rng.choice([0.0, 0.3, 0.5], size)
    rows = np.zeros((4, size))
    rows[owner, np.arange(size)] += 1.0 - part
    rows[second, np.arange(size)] += part
    rows[3] = 1.0
    reach = rows @ np.full(size, 0.08)
    factor = rng.uniform(0.2, 0.8, 4) if tight else np.full(4, 50.0)
    # a strategy that owns nothing must not bind
    room = np.where(reach > 0.0, reach * factor, 1.0)
    levels = [("strategy", "a"), ("strategy", "b"), ("strategy", "c"), ("portfolio", "portfolio")]
    names = tuple(LimitRow(*level) for level in levels)
    cap = rng.choice([0.05, 0.15], size) if tight else np.full(size, 1.0)
    return Limits(cap, rows, room, names, room)


def random_problem(seed: int, count: int, **changes: Any) -> KellyProblem:
    """Draw sizes, sides, volatilities, a factor correlation and limits; keywords replace fields.

    ``pushed`` draws claims above the cap, and held positions that push either way.
    """
    rng = np.random.default_rng(seed)
    tight = changes.pop("tight", True)
    loadings = random_loadings(rng, count, 3)
    pushed = changes.pop("pushed", False)
    parts: dict[str, Any] = {
        "size": rng.uniform(0.0, 0.3, count),
        "side": rng.choice([-1.0, 1.0], count),
        "volatility": np.exp(rng.uniform(np.log(0.005), np.log(0.2), count)),
        "matrix": correlation_of(loadings),
        "loadings": None,
        "limits": random_limits(rng, count, tight=tight),
        "fraction": 0.25,
        "cost_pct": 0.0,
        "current": rng.uniform(-0.1, 0.1, count),
    }
    if changes.pop("in_factors", False):
        parts |= {"matrix": None, "loadings": loadings}
    parts |= changes
    with np.errstate(over="ignore", under="ignore"):
        pull = parts["size"] * parts["volatility"]
    if pushed:
        # half of the claims are above the cap, and what is held pushes either way
        pull = pull * rng.choice([1.0, 4.0], count) + rng.normal(0.0, 0.3, count) * pull
    return KellyProblem(**{"pull": pull, **parts})
