"""The pipeline behind ``POST /allocate`` and ``POST /outcomes``, without HTTP and journal.

The same functions in the same order as the service's decider; a test holds both to equal numbers.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final

from app.adapters.clock import SystemClock
from app.backtest.tape import MarketDay
from app.core.beliefs import Beliefs
from app.core.books.records import Lesson, outcome_period
from app.core.decision.conclude import Conclusion, conclude
from app.core.decision.draft import Draft, draft, policy_inputs
from app.core.decision.observe import observe_batch
from app.core.decision.targets import amounts_of
from app.core.params import EngineParams
from app.core.policy.circuit import BreakerParams
from app.core.types import (
    Batch,
    CascadeIndicators,
    FallbackReason,
    FloatArray,
    PolicyAnswer,
    Signal,
)
from app.pipeline.answer import owned_positions
from app.pipeline.ask_policy import PolicyGate
from app.pipeline.outcomes import is_absurd
from app.pipeline.ports import PolicyClient
from app.pipeline.shared_breaker import SharedBreaker

Note = Callable[[MarketDay, Draft], None]
RL: Final = "rl"


class Sizer:
    """Sizes each day's signals as the service would, and learns from their outcomes.

    Parameters
    ----------
    params : EngineParams
    client : PolicyClient, optional
        None: Phase 2 alone.
    breaker : BreakerParams, optional
    note : callable taking MarketDay and Draft, optional
        Called with each decision before the policy's answer.

    Attributes
    ----------
    decisions : dict of row to str
        ``rl``, or the reason of the fallback.
    multipliers : dict of row to ndarray
        Blended weight over Phase 2's, of symbols with one, on days when the policy was used.
    model_versions : set of str
    """

    def __init__(
        self,
        params: EngineParams,
        client: PolicyClient | None = None,
        *,
        breaker: BreakerParams | None = None,
        note: Note | None = None,
    ) -> None:
        clock = SystemClock()
        self._params = params
        self._beliefs = Beliefs(params)
        self._gate = PolicyGate(client, SharedBreaker(breaker or BreakerParams()), clock)
        self._note = note
        self._drafted: Draft | None = None
        self.decisions: dict[int, str] = {}
        self.multipliers: dict[int, FloatArray] = {}
        self.model_versions: set[str] = set()

    def watch(self, day: MarketDay) -> None:
        """Learn a day's prices without deciding, as ``POST /market/prices`` does."""
        self._beliefs.observe_prices(day.timestamp_ns, day.prices)

    async def targets(
        self, day: MarketDay, value_usd: float, held: Mapping[str, float]
    ) -> dict[str, float]:
        """Decide one day.

        Parameters
        ----------
        day : MarketDay
        value_usd : float
        held : mapping of symbol to signed quantity

        Returns
        -------
        dict of symbol to signed target quantity
        """
        self._drafted = None
        if not day.signals:
            self.watch(day)
            return {}
        batch = _batch(day, value_usd, held)
        drafted = draft(observe_batch(batch, self._beliefs, self._params), self._beliefs)
        if self._note is not None:
            self._note(day, drafted)
        answer = await self._ask(drafted)
        concluded = conclude(drafted, answer, self._beliefs)
        self._beliefs.owners.learn(owned_positions(concluded))
        self._drafted = drafted
        self._count(day, concluded, answer)
        self._refresh_factors(drafted)
        return target_quantities(concluded)

    def learn(self, day: MarketDay) -> None:
        """Feed the day's outcomes, symbol by symbol, as ``POST /outcomes`` does."""
        if self._drafted is None:
            return
        table, phase1 = self._drafted.observed.table, self._drafted.phase1
        rows = zip(
            table.signals,
            table.direction.tolist(),
            phase1.own_edge.tolist(),
            phase1.own_volatility.tolist(),
            phase1.claims.horizon_sec.tolist(),
            phase1.own_sharpe.tolist(),
            strict=True,
        )
        for signal, direction, edge, volatility, horizon_sec, claim in rows:
            realized = day.next_returns.get(signal.symbol)
            if realized is None or direction == 0.0 or math.isnan(claim):
                continue
            z = direction * realized / volatility
            if not is_absurd(abs(realized), z, signal, self._move_since):
                lesson = Lesson(
                    signal.strategy_id,
                    claim,
                    z,
                    abs(z - edge / volatility),
                    period=outcome_period(signal.timestamp_ns, horizon_sec),
                    horizon_sec=horizon_sec,
                )
                self._beliefs.learn(lesson)

    def _move_since(self, signal: Signal) -> float | None:
        """Largest believed move of the symbol since the last decision."""
        view = self._drafted.observed.views.get(signal.symbol) if self._drafted else None
        if view is None or view.price is None:
            return None
        market = self._beliefs.market
        return market.largest_move(signal.symbol, view.price, signal.timestamp_ns)

    async def close(self) -> None:
        """Close the policy's sockets."""
        if self._gate.client is not None:
            await self._gate.client.close()

    async def _ask(self, drafted: Draft) -> PolicyAnswer:
        if self._gate.client is None:
            return PolicyAnswer(reason=FallbackReason.RL_DISABLED)
        if self._gate.would_refuse():
            return PolicyAnswer(reason=FallbackReason.CIRCUIT_OPEN)
        return await self._gate.ask(policy_inputs(drafted, self._beliefs))

    def _count(self, day: MarketDay, concluded: Conclusion, answer: PolicyAnswer) -> None:
        finished = concluded.finished
        self.decisions[day.row] = RL if finished.reason is None else finished.reason.value
        if finished.reason is not None:
            return
        if answer.model_version is not None:
            self.model_versions.add(answer.model_version)
        baseline = finished.draft.portfolio.weights
        sized = baseline > 0.0
        self.multipliers[day.row] = finished.blended[sized] / baseline[sized]

    def _refresh_factors(self, drafted: Draft) -> None:
        """Do at once what the service does beside its requests above 100 symbols."""
        market, structure = self._beliefs.market, self._beliefs.structure
        symbols = drafted.portfolio.symbols
        large = len(symbols) > self._params.market.dense_up_to
        if large and structure.factors_are_stale() and market.any_history(symbols):
            structure.factors = self._beliefs.fresh_factors()


def target_quantities(concluded: Conclusion) -> dict[str, float]:
    """Signed quantities of the final weights; a position that stays keeps its exact quantity.

    One that is set apart, for want of a price, stays.
    """
    observed = concluded.observed
    held = observed.batch.positions or {}
    kept = {symbol: held[symbol] for symbol in observed.unsized.set_apart}
    amounts = amounts_of(observed, concluded.final)
    return kept | {symbol: quantity for symbol, (_, quantity, _) in amounts.items()}


def _batch(day: MarketDay, value_usd: float, held: Mapping[str, float]) -> Batch:
    return Batch(
        signals=day.signals,
        cascade=CascadeIndicators(),
        prices=day.prices,
        portfolio_value=value_usd,
        received_ns=day.timestamp_ns,
        positions=held,
    )
