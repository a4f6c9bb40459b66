"""Phase 2: net sizes, limits and the optimiser make the portfolio, with the limits that bound.

See docs/concepts.md#phase-2-from-sizes-to-a-portfolio.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from app.core.limits import POSITION, HeldUse, LimitHit, Limits, Owned, build_limits
from app.core.params import EngineParams
from app.core.phase1 import Phase1
from app.core.portfolio.correlation import Correlations
from app.core.portfolio.kelly import KellyAnswer, KellyProblem, optimal_weights
from app.core.portfolio.netting import NetSizes, net_symbols, ownership
from app.core.portfolio.structure import Structure
from app.core.signals import SignalTable
from app.core.stages.kelly import LARGEST_SIZE
from app.core.types import BoolArray, FloatArray, IntArray

# a limit with less slack binds
_SLACK: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Phase 2's portfolio over the m directional symbols, at cascade multiplier 1; no NaN.

    Attributes
    ----------
    symbol_index : int ndarray of shape (m,)
        Index of each symbol in the table's symbols.
    symbols : list of m names
    side : ndarray of shape (m,), +1, -1, or 0 where nothing is wanted
    leaning : ndarray of shape (m,), +1, -1 or 0
        Side that wins even where shorts are off; 0 where the sides offset.
    net : NetSizes
        Net Phase 1 sizes of the symbols.
    correlations : Correlations
        Of the symbols with a size, and behind them of those that are held.
    share : ndarray of shape (n,), in [0, 1]
        Each signal's share of its symbol on ``side``.
    limits : Limits
    weights : ndarray of shape (m,), fraction of portfolio value, >= 0
        Absolute weights.
    hits : tuple of LimitHit
        Limits that bound, amounts at multiplier 1.
    failure : str or None
        Why the solver gave no answer, None if it did.
    reserved : float, fraction of portfolio value, >= 0
        What set-apart positions took of the gross room in ``limits``.
    """

    symbol_index: IntArray
    symbols: list[str]
    side: FloatArray
    leaning: FloatArray
    net: NetSizes
    correlations: Correlations
    share: FloatArray
    limits: Limits
    weights: FloatArray
    hits: tuple[LimitHit, ...]
    failure: str | None
    reserved: float = 0.0

    @property
    def size(self) -> FloatArray:
        """Net Phase 1 size S, shape (m,), fraction of portfolio value, >= 0."""
        return self.net.size

    @property
    def longs(self) -> BoolArray:
        """Whether a BUY names the symbol, shape (m,)."""
        return self.net.longs

    @property
    def shorts(self) -> BoolArray:
        """Whether a SELL names the symbol, shape (m,)."""
        return self.net.shorts


@dataclass(frozen=True, slots=True)
class Beside:
    """What is held beside the directional symbols, at cascade multiplier 1.

    Attributes
    ----------
    use : HeldUse
        What held positions use of the limits and set-apart ones take.
    symbols : tuple of h str
    weights : ndarray of shape (h,), signed fraction of portfolio value, not 0
    volatility : ndarray of shape (h,), return per horizon, > 0
    """

    use: HeldUse = field(default_factory=HeldUse)
    symbols: tuple[str, ...] = ()
    weights: FloatArray = field(default_factory=lambda: np.empty(0))
    volatility: FloatArray = field(default_factory=lambda: np.empty(0))


def build_portfolio(
    table: SignalTable,
    phase1: Phase1,
    beside: Beside,
    structure: Structure,
    current: FloatArray,
    params: EngineParams,
) -> Portfolio:
    """Return the optimal portfolio of a batch's signals, with the limits that bound.

    Parameters
    ----------
    table : SignalTable of n signals over all symbols with signals
    phase1 : Phase1
        Sizes and volatilities of the signals.
    beside : Beside
    structure : Structure
        Correlations.
    current : ndarray of shape (n_symbols,), fraction of portfolio value
        Current signed weight of each of the table's symbols, for trading costs and for what
        set-apart positions must leave.
    params : EngineParams

    Returns
    -------
    Portfolio
    """
    net, held = net_symbols(table, phase1, allow_short=params.limits.allow_short), beside.use
    share = ownership(table, phase1.regime, net.side)
    symbol_index, symbols = _directional(table, net)
    owned = owned_by(table, share, symbol_index)
    limits = build_limits(symbols, table.strategies, owned, held, params.limits)
    if len(symbol_index) < len(table.symbols):
        net, current = net.at(symbol_index), current[symbol_index]
    size, leaning = net.size, net.side
    side = leaning if np.count_nonzero(size) == len(size) else np.where(size > 0.0, leaning, 0.0)
    reserved = 0.0
    if held.set_apart > 0.0:
        kept = np.minimum(np.maximum(current * leaning, 0.0) / held.multiplier, size)
        reserved = min(held.set_apart, max(limits.gross_room - float(kept.sum()), 0.0))
        limits = limits.with_less_gross(reserved)
    correlations, answer, factor = _solve(net, symbols, limits, beside, structure, current, params)
    return Portfolio(
        symbol_index=symbol_index,
        symbols=symbols,
        side=side,
        leaning=leaning,
        net=net,
        correlations=correlations,
        share=share,
        limits=limits,
        weights=answer.weights if factor == 1.0 else answer.weights * factor,
        hits=_hits(symbols, size, limits, answer),
        failure=answer.failure,
        reserved=reserved,
    )


def _directional(table: SignalTable, net: NetSizes) -> tuple[IntArray, list[str]]:
    """Return the symbols with a direction, as indices in the table's symbols and by name."""
    symbol_index = (net.longs | net.shorts).nonzero()[0]
    if len(symbol_index) == len(table.symbols):
        return symbol_index, table.symbols
    return symbol_index, [table.symbols[place] for place in symbol_index.tolist()]


def owned_by(table: SignalTable, share: FloatArray, symbol_index: IntArray) -> Owned:
    """Return which strategy owns how much of each directional symbol.

    Parameters
    ----------
    table : SignalTable of n signals
    share : ndarray of shape (n,), in [0, 1]
        Share of each signal in its symbol.
    symbol_index : int ndarray of shape (m,)
        Index of each directional symbol in the table's symbols.

    Returns
    -------
    Owned
    """
    if len(symbol_index) == len(table.symbols):
        rows = share.nonzero()[0]
        if len(rows) == len(share):
            return Owned(table.strategy_of, table.symbol_of, share)
        return Owned(table.strategy_of[rows], table.symbol_of[rows], share[rows])
    row_of = np.full(len(table.symbols), -1, dtype=np.int64)
    row_of[symbol_index] = np.arange(len(symbol_index))
    rows = ((share > 0.0) & (row_of[table.symbol_of] >= 0)).nonzero()[0]
    return Owned(table.strategy_of[rows], row_of[table.symbol_of[rows]], share[rows])


def _solve(  # noqa: PLR0913, PLR0917
    net: NetSizes,
    symbols: Sequence[str],
    limits: Limits,
    beside: Beside,
    structure: Structure,
    current: FloatArray,
    params: EngineParams,
) -> tuple[Correlations, KellyAnswer, float]:
    """Return the optimum over what is wanted, and the factor of the volatility target."""
    live = net.size.nonzero()[0]
    count = len(live)
    some = count < len(symbols)
    names = [symbols[place] for place in live.tolist()] if some else symbols
    asked = net.at(live) if some else net
    sides = asked.side
    if count and beside.symbols:
        names, sides = (*names, *beside.symbols), np.concatenate((sides, np.sign(beside.weights)))
    correlations = structure.correlations(names, sides)
    matrix, loadings = correlations.matrix, correlations.loadings
    # numbers at the ends of their range overflow, which the solver finds
    with np.errstate(over="ignore", invalid="ignore"):
        pull = np.minimum(asked.uncapped * asked.volatility, LARGEST_SIZE)
        if len(names) > count:
            risk = beside.volatility * beside.weights
            pull -= asked.side * correlations.between(slice(count), slice(count, None), risk)
            matrix = None if matrix is None else matrix[:count, :count]
            loadings = None if loadings is None else loadings[:count]
    problem = KellyProblem(
        size=asked.size,
        pull=pull,
        side=asked.side,
        volatility=asked.volatility,
        matrix=matrix,
        loadings=loadings,
        limits=limits.of(live) if some else limits,
        fraction=params.kelly.fraction,
        cost_pct=params.trading.cost_pct,
        current=current[live] if some else current,
    )
    answer = optimal_weights(problem)
    factor = _volatility_factor(problem, answer, params.brakes.volatility_target)
    if not some:
        return correlations, answer, factor
    weights, cap_price = np.zeros(len(symbols)), np.zeros(len(symbols))
    weights[live], cap_price[live] = answer.weights, answer.cap_price
    whole = KellyAnswer(weights, cap_price, answer.row_price, answer.failure)
    return correlations, whole, factor


def _volatility_factor(problem: KellyProblem, answer: KellyAnswer, target: float) -> float:
    """Return the factor that brings the predicted volatility down to the target; 1 when off."""
    if target <= 0.0 or not len(answer.weights):
        return 1.0
    predicted = portfolio_volatility(problem, problem.side * answer.weights)
    return min(1.0, target / predicted) if predicted > 0.0 else 1.0


def portfolio_volatility(problem: KellyProblem, weights: FloatArray) -> float:
    """Return the predicted volatility of signed weights.

    Parameters
    ----------
    problem : KellyProblem
        Volatilities and correlations of the m symbols.
    weights : ndarray of shape (m,), signed fraction of portfolio value
        Finite.

    Returns
    -------
    float, portfolio return per horizon, >= 0
    """
    risk = weights * problem.volatility
    if problem.matrix is not None:
        return math.sqrt(max(float(risk @ problem.matrix @ risk), 0.0))
    if problem.loadings is None:
        return math.sqrt(float(risk @ risk))
    common = problem.loadings.T @ risk
    own = 1.0 - np.square(problem.loadings).sum(axis=1)
    return math.sqrt(max(float(common @ common + own @ np.square(risk)), 0.0))


def _hits(
    symbols: Sequence[str], size: FloatArray, limits: Limits, answer: KellyAnswer
) -> tuple[LimitHit, ...]:
    """Return the limits without slack whose members wanted more, with their shadow prices."""
    solved, weights = answer.failure is None, answer.weights
    hits: list[LimitHit] = []
    full = (size > limits.cap + _SLACK) & (weights > limits.cap - _SLACK)
    for row in full.nonzero()[0].tolist():
        price = float(answer.cap_price[row]) if solved else None
        cap, wanted = float(limits.cap[row]), float(size[row])
        hits.append(LimitHit(POSITION.level, symbols[row], cap, wanted, price))
    asked = limits.rows @ size
    bound = (asked > limits.room + _SLACK) & (limits.rows @ weights > limits.room - _SLACK)
    for row in bound.nonzero()[0].tolist():
        price = float(answer.row_price[row]) if solved else None
        name, whole = limits.names[row], float(limits.full[row])
        wanted = float(asked[row]) + whole - float(limits.room[row])
        hits.append(LimitHit(name.level, name.identifier, whole, wanted, price))
    return tuple(hits)
