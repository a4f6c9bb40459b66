"""Everything the service believes, in one place: a deterministic fold over the journal."""

import copy
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from app.core.books.cascade import CascadeBook
from app.core.books.decision_times import DecisionTimes
from app.core.books.drift import DriftBook
from app.core.books.market import MarketBook, PriceReport
from app.core.books.owners import OwnerBook
from app.core.books.records import Lesson, RecordBook
from app.core.books.regimes import RegimeBook
from app.core.books.standing import StandingBook
from app.core.books.values import ValueBook, ValueReport
from app.core.brakes import strictest
from app.core.params import EngineParams
from app.core.performance import PerformanceLedger
from app.core.portfolio.factors import FactorModel, estimate_factors
from app.core.portfolio.structure import Structure
from app.core.signals import SignalTable
from app.core.stages.cascade import CascadeAssessment, assess_cascade
from app.core.stages.kelly import calibrate
from app.core.stages.regime import majority_regime
from app.core.types import Batch, Regime, TradingState


@dataclass(frozen=True, slots=True)
class TradingStatus:
    """The kill switch as it stands: state, why, since when (ns), and who threw it.

    ``flatten`` makes every target zero while the state is HALTED; ``version`` counts how often it
    was thrown.
    """

    state: TradingState = TradingState.ACTIVE
    reason: str | None = None
    since_ns: int = 0
    flatten: bool = False
    actor: str = ""
    version: int = 0

    def strictest(self, later: "TradingStatus") -> "TradingStatus":
        """Return the stricter of this and a later one; itself where the later one is not."""
        state, flatten = strictest(self.state, later.state), self.flatten or later.flatten
        if state is self.state and flatten == self.flatten:
            return self
        return replace(later, state=state, flatten=flatten)


@dataclass(frozen=True, slots=True)
class Learnt:
    """What became of the prices and of the portfolio value of a batch."""

    prices: PriceReport
    value: ValueReport


class Beliefs:
    """Records, regimes, cascade, market, drift, owners, standing signals, performance, switch.

    Every method that changes it is the effect of exactly one kind of journalled event, so that
    the same events in the same order give the same beliefs.
    """

    def __init__(self, params: EngineParams) -> None:
        self.params = params
        self.records = RecordBook(
            params.conformal,
            params.records,
            params.drift.max_strategies,
            params.signals.horizon_sec,
        )
        self.regimes = RegimeBook(params.regime, params.market.max_symbols)
        self.cascade = CascadeBook(params.cascade, params.regime.period_sec)
        self.decided = DecisionTimes(params.market.max_symbols)
        self.market = MarketBook(params.market)
        self.drift = DriftBook(params.drift)
        self.owners = OwnerBook(params.market.max_symbols)
        self.standing = StandingBook()
        self.performance = PerformanceLedger(params.performance)
        self.structure = Structure(self.market, params.market)
        self.trading = TradingStatus()
        self.values = ValueBook()
        # outcomes that the journal knows and that may be posted once more
        self.withdrawn: set[tuple[str, str]] = set()

    @property
    def peak_value(self) -> float:
        """Largest portfolio value of a batch, USD; 0 before the first."""
        return self.values.peak

    def observe_market(
        self, batch: Batch, given: Mapping[str, float], at_ns: int, first: Collection[str]
    ) -> Learnt:
        """Learn prices and portfolio value of a batch, as far as they are believed.

        Parameters
        ----------
        batch : Batch
        given : mapping of symbol to USD a unit
            Its usable prices.
        at_ns : int
            Time of the batch.
        first : collection of str
            Symbols with signals or positions, which find room before others.
        """
        prices = self.observe_prices(at_ns, given, first=first)
        value = ValueReport(batch.portfolio_value, believed=True, confirmed=False)
        if batch.value_given:
            value = self.values.observe(
                batch.portfolio_value, batch.received_ns, at_ns, self.params.brakes
            )
        return Learnt(prices, value)

    def observe_regimes(
        self, table: SignalTable, at_ns: int
    ) -> tuple[dict[str, Regime], tuple[str, ...]]:
        """Learn the claims of regimes; a stamp later than ``at_ns`` counts as that.

        Returns
        -------
        dict of symbol to its effective regime
        tuple of str
            Symbols whose claims were not newer than what is known.
        """
        effective: dict[str, Regime] = {}
        stale: list[str] = []
        signals, bounds = table.signals, [*table.starts.tolist(), len(table.signals)]
        for place, symbol in enumerate(table.symbols):
            claims = signals[bounds[place] : bounds[place + 1]]
            newest = min(max(signal.timestamp_ns for signal in claims), at_ns)
            claim = claims[0].regime
            if len(claims) > 1:
                claim = majority_regime((signal.regime, signal.confidence) for signal in claims)
            if newest <= self.regimes.newest_ns(symbol):
                stale.append(symbol)
            effective[symbol] = self.regimes.observe(symbol, claim, newest)
        return effective, tuple(stale)

    def observe_cascade(self, batch: Batch, at_ns: int) -> CascadeAssessment:
        """Learn what a batch's indicators recommend; return its score and what is in force."""
        alone = assess_cascade(batch.cascade, self.params.cascade)
        return alone.under(self.cascade.observe(alone.recommendation, at_ns))

    def observe_decided(self, symbols: Iterable[str], at_ns: int) -> dict[str, float]:
        """Learn which symbols are decided on; return the seconds since each one's last decision.

        Of the first the horizon of claims.
        """
        return self.decided.observe(symbols, at_ns, self.params.signals.horizon_sec)

    def observe_prices(
        self, timestamp_ns: int, prices: Mapping[str, float], *, first: Collection[str] = ()
    ) -> PriceReport:
        """Learn prices (USD a unit, finite and > 0) at one time, by whatever door they came.

        Parameters
        ----------
        timestamp_ns : int
        prices : mapping of symbol to USD a unit
        first : collection of str
            Symbols with signals or positions, which find room before others.
        """
        jump_from = self.params.brakes.price_jump_from
        return self.market.observe_prices(timestamp_ns, prices, jump_from=jump_from, first=first)

    def throw_switch(self, status: TradingStatus, *, rebase: bool = False) -> None:
        """Throw the kill switch; ``rebase`` lets the brakes measure from the next value on."""
        self.trading = replace(status, version=self.trading.version + 1)
        if rebase:
            self.values = ValueBook()

    def learn_decision(self, answer: Mapping[str, Any]) -> None:
        """Learn from a decision: shares of strategies, and who owns each position.

        Parameters
        ----------
        answer : mapping
            As the caller got it: ``strategy_weights`` and ``positions``.
        """
        self.drift.learn(answer["strategy_weights"])
        self.owners.learn(answer["positions"])

    def learn(self, lesson: Lesson) -> bool:
        """Feed one outcome to its strategy's record; False when refused and counted.

        Without a residual it is the distance from what the record makes of the claim just before.
        """
        if lesson.residual is None:
            record = calibrate(self.records.gather([lesson.strategy_id]).sums, self.params.kelly)
            edge = float(record.intercept[0] + record.slope[0] * lesson.claim)
            lesson = replace(lesson, residual=abs(lesson.outcome - edge))
        return self.records.observe(lesson)

    def withdraw(self, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Take outcomes back from records and comparison as if they had not been.

        Parameters
        ----------
        pairs : iterable of (decision, symbol)

        Returns
        -------
        list of (str, str)
            Those that were known; they may be learnt once more.
        """
        found = []
        for pair in dict.fromkeys(pairs):
            taken = [book.withdraw(*pair) for book in (self.records, self.performance)]
            if any(taken):
                found.append(pair)
        self.withdrawn.update(found)
        return found

    def fresh_factors(self) -> FactorModel:
        """Estimate factors from the market as it is; does not adopt them."""
        return estimate_factors(self.market, self.params.market)

    def fork(self) -> Self:
        """Independent copy, for dry runs."""
        return copy.deepcopy(self)

    def under(self, params: EngineParams) -> "Beliefs":
        """Return the same beliefs under other parameters."""
        if params == self.params:
            return self
        moved = Beliefs(params)
        moved.restore(self.export())
        return moved

    def export(self) -> dict[str, Any]:
        """JSON-able exact state."""
        factors = self.structure.factors
        return {
            "records": self.records.export(),
            "regimes": self.regimes.export(),
            "cascade": self.cascade.export(),
            "decided": self.decided.export(),
            "market": self.market.export(),
            "drift": self.drift.export(),
            "owners": self.owners.export(),
            "standing": self.standing.export(),
            "performance": self.performance.export(),
            "factors": None if factors is None else factors.export(),
            "trading": list(asdict(self.trading).values()),
            "values": self.values.export(),
            "withdrawn": sorted(map(list, self.withdrawn)),
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take over an exported state."""
        self.records.restore(data["records"])
        self.regimes.restore(data["regimes"])
        self.cascade.restore(data["cascade"])
        self.decided.restore(data["decided"])
        self.market.restore(data["market"])
        self.drift.restore(data["drift"])
        self.owners.restore(data["owners"])
        self.standing.restore(data["standing"])
        self.performance.restore(data["performance"])
        factors = data["factors"]
        self.structure.factors = None if factors is None else FactorModel.restore(factors)
        state, *rest = data["trading"]
        self.trading = TradingStatus(TradingState(state), *rest)
        self.values = ValueBook.restore(data["values"])
        self.withdrawn = {(decision_id, symbol) for decision_id, symbol in data["withdrawn"]}
