"""Small portfolios with sizes given by hand, for what comes after Phase 1."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from app.core.books.market import MarketBook
from app.core.decision.settle import Setting, Settled, settle
from app.core.limits import HeldUse
from app.core.params import EngineParams, LimitParams, MarketParams, TradingParams
from app.core.phase1 import Phase1
from app.core.portfolio.phase2 import Beside, Portfolio, build_portfolio
from app.core.portfolio.structure import Structure
from app.core.signals import SignalTable, tabulate
from app.core.stages.horizon import Claims
from app.core.types import Action, FloatArray, TradingState
from tests.strategies import make_batch, make_signal

SHORTS = LimitParams(allow_short=True)


def phase1_of(
    sizes: FloatArray, volatility: FloatArray, uncapped: FloatArray | None = None
) -> Phase1:
    """Sizes as if every stage had left them alone; uncapped ones are the same unless given."""
    same, wanted = np.ones_like(sizes), sizes if uncapped is None else uncapped
    claims = Claims(86_400.0 * same, same, sizes, volatility)
    return Phase1(
        claims=claims, sharpe=sizes, edge=sizes, volatility=volatility, scale=same, kelly=sizes,
        conformal=sizes, sentiment=sizes, regime=sizes, uncapped=wanted,
        sizing_volatility=volatility, notices=(),
    )  # fmt: skip


@dataclass(frozen=True)
class Situation:
    """Wishes are (strategy, symbol, signed size); a size of zero needs its action."""

    wishes: tuple[tuple[str, str, float], ...]
    current: Mapping[str, float] = field(default_factory=dict)
    limits: LimitParams = SHORTS
    trading: TradingParams = field(default_factory=TradingParams)
    held: HeldUse = field(default_factory=HeldUse)
    state: TradingState = TradingState.ACTIVE
    multiplier: float = 1.0
    prices: Mapping[str, float] = field(default_factory=dict)
    actions: Mapping[tuple[str, str], Action] = field(default_factory=dict)
    volatility: float = 0.05
    elapsed: Mapping[str, float] = field(default_factory=dict)

    @property
    def params(self) -> EngineParams:
        return EngineParams(limits=self.limits, trading=self.trading)

    def table(self) -> SignalTable:
        signals = tuple(
            make_signal(
                strategy_id=strategy,
                symbol=symbol,
                action=self.actions.get(
                    (strategy, symbol), Action.BUY if size > 0.0 else Action.SELL
                ),
            )
            for strategy, symbol, size in self.wishes
        )
        names = {signal.symbol for signal in signals}
        prices = {name: self.prices.get(name, 100.0) for name in names}
        return tabulate(make_batch(*signals, prices=prices))[0]

    def sizes(self, table: SignalTable) -> FloatArray:
        wanted = {(strategy, symbol): abs(size) for strategy, symbol, size in self.wishes}
        return np.array([wanted[s.strategy_id, s.symbol] for s in table.signals])

    def portfolio(self, table: SignalTable) -> Portfolio:
        sizes = self.sizes(table)
        phase1 = phase1_of(sizes, np.full(len(sizes), self.volatility))
        structure = Structure(MarketBook(MarketParams()), MarketParams())
        now = np.array([self.current.get(symbol, 0.0) for symbol in table.symbols])
        use = self.held.at_full_scale(self.multiplier)
        return build_portfolio(table, phase1, Beside(use), structure, now, self.params)

    def settled(self, aims: Mapping[str, float] | None = None) -> Settled:
        """Settle Phase 2's weights, or other signed aims by symbol (already times a)."""
        table = self.table()
        portfolio = self.portfolio(table)
        wanted = self.multiplier * portfolio.side * portfolio.weights
        if aims is not None:
            wanted = np.array([aims[symbol] for symbol in portfolio.symbols])
        setting = Setting(
            current=np.array([self.current.get(symbol, 0.0) for symbol in portfolio.symbols]),
            units={
                symbol: weight * 100_000.0 / self.prices.get(symbol, 100.0)
                for symbol, weight in self.current.items()
            },
            prices=table.prices[portfolio.symbol_index],
            held=self.held,
            multiplier=self.multiplier,
            state=self.state,
            portfolio_value=100_000.0,
            elapsed_sec=np.array([self.elapsed.get(name, 0.0) for name in portfolio.symbols]),
        )
        return settle(wanted, table, self.sizes(table), portfolio, setting, self.params)

    def targets(self, aims: Mapping[str, float] | None = None) -> dict[str, float]:
        """Signed target weights by symbol."""
        table = self.table()
        symbols = self.portfolio(table).symbols
        return dict(zip(symbols, self.settled(aims).weights.tolist(), strict=True))
