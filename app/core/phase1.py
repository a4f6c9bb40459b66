"""Phase 1: size each signal alone, stage after stage, with a trace of every step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.core.books.market import MarketBook
from app.core.books.records import RecordBook
from app.core.params import EngineParams
from app.core.signals import SignalTable
from app.core.stages.conformal import conformal_scales
from app.core.stages.kelly import kelly_sizes, posterior_mean, win_rate
from app.core.stages.regime import regime_factors
from app.core.stages.sentiment import sentiment_factors
from app.core.types import REGIMES, BoolArray, FloatArray, Notice, Regime

_REGIME_INDEX: Final[dict[Regime, int]] = {regime: place for place, regime in enumerate(REGIMES)}


@dataclass(frozen=True, slots=True)
class Phase1:
    """Sizes after each stage, all of shape (n,), fractions of portfolio value, >= 0.

    ``edge`` is the posterior mean, ``volatility`` the one used (claimed, learnt or default),
    ``scale`` the conformal scale. Stages are cumulative; ``regime`` is the size at cascade
    multiplier 1.
    """

    edge: FloatArray
    volatility: FloatArray
    scale: FloatArray
    kelly: FloatArray
    conformal: FloatArray
    sentiment: FloatArray
    regime: FloatArray
    notices: tuple[Notice, ...]


def size_signals(
    table: SignalTable,
    records: RecordBook,
    market: MarketBook,
    regimes: Mapping[str, Regime],
    params: EngineParams,
) -> Phase1:
    """Run the signal stages in their order: Kelly, conformal, sentiment, regime.

    Parameters
    ----------
    table : SignalTable of n signals
    records : RecordBook
    market : MarketBook
        Volatility of symbols for which a signal claims none.
    regimes : mapping of symbol to effective Regime
        Absent where a symbol sizes nothing.
    params : EngineParams

    Returns
    -------
    Phase1
    """
    # numbers at the ends of their range overflow to infinity here and end at the size's cap
    with np.errstate(over="ignore"):
        return _sized(table, records, market, regimes, params)


def _sized(
    table: SignalTable,
    records: RecordBook,
    market: MarketBook,
    regimes: Mapping[str, Regime],
    params: EngineParams,
) -> Phase1:
    notices: list[Notice] = []
    columns = records.gather(table.strategies)
    of = table.strategy_of
    count = columns.count[of]
    volatility = _volatility(table, market, params, notices)
    edge = posterior_mean(
        table.expected_return, table.confidence, count, columns.mean[of], params.kelly
    )
    wins = columns.wins[of]
    rate = win_rate(wins, count - wins, params.kelly)
    open_for_trade = _open_for_trade(table, rate, params, notices)
    kelly = kelly_sizes(edge, volatility, count, open_for_trade, params.kelly)
    scale = conformal_scales(columns.quantile[of], params.conformal)
    conformal = kelly * scale
    sentiment = conformal
    if np.count_nonzero(np.isnan(table.sentiment)) < len(table.sentiment):
        sentiment = conformal * sentiment_factors(
            table.sentiment, table.sentiment_confidence, table.direction, params.sentiment
        )
    codes = np.array(
        [_REGIME_INDEX[regimes.get(symbol, Regime.RANGING)] for symbol in table.symbols],
        dtype=np.intp,
    )
    factors = regime_factors(codes[table.symbol_of], table.direction, params.regime)
    return Phase1(
        edge=edge,
        volatility=volatility,
        scale=scale,
        kelly=kelly,
        conformal=conformal,
        sentiment=sentiment,
        regime=sentiment * factors,
        notices=tuple(notices),
    )


def _volatility(
    table: SignalTable, market: MarketBook, params: EngineParams, notices: list[Notice]
) -> FloatArray:
    missing = np.isnan(table.volatility)
    if not np.count_nonzero(missing):
        return table.volatility
    volatility = table.volatility.copy()
    for row in np.flatnonzero(missing).tolist():
        signal = table.signals[row]
        learnt = market.volatility(signal.symbol)
        volatility[row] = params.market.default_volatility if learnt is None else learnt
        if table.direction[row] != 0.0:
            source = "the default" if learnt is None else "the EWMA of its returns"
            detail = (
                f"predicted_volatility of {signal.strategy_id}/{signal.symbol} is missing: "
                f"{source}, {volatility[row]:.6g}, is used"
            )
            notices.append(Notice("sigma_missing", signal.symbol, detail))
    return volatility


def _open_for_trade(
    table: SignalTable, rate: FloatArray, params: EngineParams, notices: list[Notice]
) -> BoolArray:
    directed: BoolArray = table.direction != 0.0
    negative = directed & (table.expected_return < 0.0)
    losing = directed & (rate < params.kelly.min_win_rate)
    unclaimed = directed & np.isnan(table.expected_return)
    odd = (negative | losing | unclaimed).nonzero()[0]
    if len(odd):
        for row in odd.tolist():
            signal = table.signals[row]
            name = f"{signal.strategy_id}/{signal.symbol}"
            if unclaimed[row]:
                detail = f"expected_return of {name} is missing: the record alone sizes it"
                notices.append(Notice("claim_missing", signal.symbol, detail))
            if negative[row]:
                detail = f"expected_return of {name} is negative, was {signal.expected_return:g}"
                notices.append(Notice(None, signal.symbol, f"{detail}: sized zero"))
            if losing[row]:
                detail = (
                    f"win rate of {signal.strategy_id} is {rate[row]:.4f}, below "
                    f"{params.kelly.min_win_rate:g}: {name} sized zero"
                )
                notices.append(Notice(None, signal.symbol, detail))
    if len(odd):
        directed = directed & ~negative & ~losing
    return directed
