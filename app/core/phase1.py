"""Phase 1: size each signal alone, stage after stage, with a trace of every step."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.core.books.market import MarketBook
from app.core.books.market_reader import MarketReader
from app.core.books.records import RecordBook
from app.core.params import EngineParams, MarketParams
from app.core.signals import SignalTable
from app.core.stages.conformal import conformal_scales
from app.core.stages.horizon import Claims, bring_to_horizon
from app.core.stages.kelly import believed_claims, calibrate, kelly_sizes, win_rate
from app.core.stages.regime import regime_factors
from app.core.stages.sentiment import sentiment_factors
from app.core.types import REGIMES, BoolArray, FloatArray, Notice, Regime, Signal

_REGIME_INDEX: Final[dict[Regime, int]] = {regime: place for place, regime in enumerate(REGIMES)}
_DAY_SEC: Final = 86_400.0
# A claimed volatility that far from that of the returns is of another horizon than it says.
_FAR_FACTOR: Final = 3.0


@dataclass(frozen=True, slots=True)
class Phase1:
    """Sizes after each stage, all of shape (n,), fractions of portfolio value, >= 0.

    ``claims`` are what the signals say, over the one horizon H; ``sharpe`` is the part of a claim
    that is believed, in volatilities (NaN where it teaches nothing); ``edge`` is the posterior mean
    and ``volatility`` the one used (claimed, learnt or default), all over H too; ``scale`` is the
    conformal scale. Stages are cumulative; ``regime`` is the size at cascade multiplier 1, and
    ``uncapped`` what it would be without the cap of the Kelly stage. ``sizing_volatility`` is the
    volatility that outcomes call for, over H: the one used, widened where the conformal scale is.
    """

    claims: Claims
    sharpe: FloatArray
    edge: FloatArray
    volatility: FloatArray
    scale: FloatArray
    kelly: FloatArray
    conformal: FloatArray
    sentiment: FloatArray
    regime: FloatArray
    uncapped: FloatArray
    sizing_volatility: FloatArray
    notices: tuple[Notice, ...]

    @property
    def own_edge(self) -> FloatArray:
        """Posterior mean of each signal over its own horizon, shape (n,)."""
        own: FloatArray = self.edge * self.claims.span
        return own

    @property
    def own_sharpe(self) -> FloatArray:
        """Believed claim of each signal over its own horizon, shape (n,), NaN as above."""
        own: FloatArray = self.sharpe * np.sqrt(self.claims.span)
        return own

    @property
    def own_volatility(self) -> FloatArray:
        """Volatility used of each signal over its own horizon, shape (n,)."""
        own: FloatArray = self.volatility * np.sqrt(self.claims.span)
        return own


def size_signals(
    table: SignalTable,
    records: RecordBook,
    market: MarketBook,
    regimes: Mapping[str, Regime],
    params: EngineParams,
) -> Phase1:
    """Run the signal stages in their order: horizon, Kelly, conformal, sentiment, regime.

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
    claims = bring_to_horizon(
        table.horizon_sec, table.expected_return, table.volatility, params.signals.horizon_sec
    )
    volatility = _volatility(table, claims, market, params, notices)
    record = calibrate(columns.sums, params.kelly)
    said = table.confidence * claims.expected_return / volatility
    believed = believed_claims(said, params.kelly)
    sharpe = record.intercept[of] + record.slope[of] * believed
    rate = None
    if params.kelly.min_win_rate > 0.0:
        wins, losses = columns.sums[-2:]
        rate = win_rate(wins, losses, params.kelly)[of]
    open_for_trade = _open_for_trade(table, said, rate, params, notices)
    uncapped = kelly_sizes(sharpe, volatility, record.weight[of], open_for_trade, params.kelly)
    kelly = np.minimum(uncapped, params.kelly.max_size_pct)
    scale = conformal_scales(columns.quantile[of], params.conformal)
    conformal, uncapped = kelly * scale, uncapped * scale
    sentiment = conformal
    if np.count_nonzero(np.isnan(table.sentiment)) < len(table.sentiment):
        tilts = sentiment_factors(
            table.sentiment, table.sentiment_confidence, table.direction, params.sentiment
        )
        sentiment, uncapped = conformal * tilts, uncapped * tilts
    codes = np.array(
        [_REGIME_INDEX[regimes.get(symbol, Regime.RANGING)] for symbol in table.symbols],
        dtype=np.intp,
    )
    factors = regime_factors(codes[table.symbol_of], table.direction, params.regime)
    return Phase1(
        claims=claims,
        sharpe=np.where(claims.expected_return < 0.0, np.nan, believed),
        edge=sharpe * volatility,
        volatility=volatility,
        scale=scale,
        kelly=kelly,
        conformal=conformal,
        sentiment=sentiment,
        regime=sentiment * factors,
        uncapped=uncapped * factors,
        sizing_volatility=volatility / np.sqrt(scale),
        notices=tuple(notices),
    )


def _volatility(
    table: SignalTable,
    claims: Claims,
    market: MarketBook,
    params: EngineParams,
    notices: list[Notice],
) -> FloatArray:
    """Return the volatility of each signal over H: as claimed, learnt, or the default."""
    horizon_sec = params.signals.horizon_sec
    sigma, stands = market.sigmas_over(table.symbols, horizon_sec)
    known = np.where(stands, sigma, np.nan)[table.symbol_of]
    claimed = claims.volatility
    far = (claimed > _FAR_FACTOR * known) | (known > _FAR_FACTOR * claimed)
    notices += [
        _far_claim(table.signals[row], claims, known[row], row)
        for row in np.flatnonzero(far & (table.direction != 0.0)).tolist()
    ]
    missing = np.isnan(claimed)
    if not np.count_nonzero(missing):
        return claimed
    default = default_volatility(horizon_sec, params.market)
    cautious = np.maximum(sigma[table.symbol_of], default)
    volatility = np.where(missing, np.where(np.isnan(known), cautious, known), claimed)
    for row in np.flatnonzero(missing & (table.direction != 0.0)).tolist():
        signal = table.signals[row]
        source = "the EWMA of its returns" if volatility[row] != default else "the default"
        own = volatility[row] * math.sqrt(claims.span[row])
        detail = (
            f"predicted_volatility of {signal.strategy_id}/{signal.symbol} is missing: "
            f"{source}, {own:.6g} over {claims.horizon_sec[row]:.10g} s, is used"
        )
        notices.append(Notice("sigma_missing", signal.symbol, detail))
    return volatility


def default_volatility(horizon_sec: float, params: MarketParams) -> float:
    """Return what stands in where neither claim nor history is there, over a time in seconds."""
    return params.default_volatility * math.sqrt(horizon_sec / _DAY_SEC)


def cautious_volatility(
    market: MarketReader, symbols: Sequence[str], horizon_sec: float, params: MarketParams
) -> FloatArray:
    """Return the volatility of symbols that claim none, over a time in seconds; shape (n,).

    The EWMA of their bars, or the larger of that and the default where bars are few.
    """
    sigma, stands = market.sigmas_over(symbols, horizon_sec)
    return np.where(stands, sigma, np.maximum(sigma, default_volatility(horizon_sec, params)))


def _far_claim(signal: Signal, claims: Claims, known: float, row: int) -> Notice:
    """Tell of a claimed volatility that its symbol's returns over its horizon contradict."""
    said, learnt = (each * math.sqrt(claims.span[row]) for each in (claims.volatility[row], known))
    detail = (
        f"predicted_volatility of {signal.strategy_id}/{signal.symbol} is {said:.4g} over "
        f"{claims.horizon_sec[row]:.10g} s, where its returns say {learnt:.4g}: horizon_sec?"
    )
    return Notice(None, signal.symbol, detail)


def _open_for_trade(
    table: SignalTable,
    said: FloatArray,
    rate: FloatArray | None,
    params: EngineParams,
    notices: list[Notice],
) -> BoolArray:
    directed: BoolArray = table.direction != 0.0
    most = params.kelly.max_sharpe
    negative = directed & (table.expected_return < 0.0)
    unclaimed = directed & np.isnan(table.expected_return)
    cut = directed & (said > most)
    losing = np.zeros_like(directed)
    if rate is not None:
        losing = directed & (rate < params.kelly.min_win_rate)
    odd = (negative | losing | unclaimed | cut).nonzero()[0]
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
            if cut[row]:
                detail = (
                    f"claim of {name} is {said[row]:.4g} volatilities over the horizon of claims: "
                    f"it counts as {most:g} (KELLY__MAX_SHARPE)"
                )
                notices.append(Notice("claim_cut", signal.symbol, detail))
            if losing[row] and rate is not None:
                detail = (
                    f"win rate of {signal.strategy_id} is {rate[row]:.4f}, below "
                    f"{params.kelly.min_win_rate:g}: {name} sized zero"
                )
                notices.append(Notice(None, signal.symbol, detail))
    if len(odd):
        directed = directed & ~negative & ~losing
    return directed
