"""The guide's hybrid: the service's engine inside the caller's process."""

import weakref
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self, Unpack

from app.adapters.clock import SystemClock
from app.adapters.journal.sql import SqlJournal
from app.adapters.policy.http import HttpPolicyClient
from app.adapters.policy.mock import MockPolicyClient
from app.adapters.telemetry.prometheus import PrometheusTelemetry
from app.core import types as core
from app.core.types import Batch, Outcome, Signal
from app.facade.answer import HybridAllocation
from app.facade.breaker import ColabProCircuitBreaker
from app.facade.client import TransformerRLClient, breaker_for
from app.facade.correcting import Correctable
from app.facade.engine import Engine
from app.facade.host_log import log_through_the_host
from app.facade.inputs import (
    INFINITY,
    Claim,
    claim_of,
    identifier,
    indicators_of,
    json_values,
    number,
    positive,
    prices_of,
    quantities,
    refuse,
    signals_of,
)
from app.facade.journal import BoundedJournal
from app.facade.options import engine_settings, policy_options
from app.facade.silence import SilentTelemetry
from app.pipeline.ask_policy import PolicyGate
from app.pipeline.ports import PolicyClient, Telemetry
from app.pipeline.service import SizingService, World
from app.settings import Settings

CLOCK: Final = SystemClock()


class Layer3Phase3Hybrid(Correctable):
    """Sizes signals within hard limits, with or without a learned policy on top.

    Parameters
    ----------
    portfolio_value : float, USD
    kelly_fraction : float in (0, 1]
    max_position_pct : float in (0, 1], fraction of portfolio value
    enable_rl : bool
        Off: Phase 2 alone, whatever else is given.
    rl_endpoint : str
        URL of the policy server's single call.
    rl_timeout_sec : float, seconds
        For the whole exchange of a decision.
    use_mock_rl : bool
        Seeded predictions instead of the endpoint.
    enable_metrics : bool
        Whether this instance counts in the process's one set of Prometheus metrics.
    database_url : str, optional
        ``sqlite:///FILE`` or ``postgresql://...`` to journal to; nothing is kept otherwise.
    rl_client : TransformerRLClient, optional
        In place of one made from endpoint, deadline and breaker.
    circuit_breaker : ColabProCircuitBreaker, optional
        For the client made here.
    **settings
        Any other setting of the engine by its name in lower case: ``max_strategy_pct``,
        ``max_portfolio_pct``, ``allow_short``, ``rebalance_span``, ``rl_min_confidence``,
        ``rl_headers``, ``mock_seed``, groups as mappings. ``trading_state_at_first`` is of a new
        journal, and without a database of each instance. Nothing is read from the environment.

    Raises
    ------
    ValueError
        Naming the argument, what must hold and what it was.
    TypeError
        If there is no such setting.
    JournalUnavailable
        If the database cannot be opened.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (the guide's signature)
        self,
        portfolio_value: float = 100_000,
        kelly_fraction: float = 0.25,
        max_position_pct: float = 0.15,
        enable_rl: bool = False,  # noqa: FBT001, FBT002 (as above)
        rl_endpoint: str = "http://localhost:8888/predict",
        rl_timeout_sec: float = 5.0,
        use_mock_rl: bool = False,  # noqa: FBT001, FBT002 (as above)
        enable_metrics: bool = True,  # noqa: FBT001, FBT002 (as above)
        *,
        database_url: str | None = None,
        rl_client: TransformerRLClient | None = None,
        circuit_breaker: ColabProCircuitBreaker | None = None,
        **settings: Any,
    ) -> None:
        if rl_client is not None and circuit_breaker is not None:
            raise ValueError("circuit_breaker must be given to rl_client where there is one")
        log_through_the_host()
        journal = {} if database_url is None else {"database_url": database_url}
        chosen = engine_settings(
            portfolio_value=portfolio_value,
            kelly_fraction=kelly_fraction,
            max_position_pct=max_position_pct,
            enable_rl=enable_rl,
            rl_endpoint=rl_endpoint,
            rl_timeout_sec=rl_timeout_sec,
            use_mock_rl=use_mock_rl,
            enable_metrics=enable_metrics,
            **journal,
            **settings,
        )
        self.mode: Final = chosen.mode
        self.rl_client: Final = rl_client or _client(chosen, circuit_breaker)
        self.service = _service(chosen, self.rl_client, durable=database_url is not None)
        self._engine = Engine(
            self.service,
            self.rl_client,
            waits=self.mode != "fallback" or database_url is not None,
            owned=rl_client is None,
        )
        self._engine.start(chosen.trading_state_at_first)
        _watch(self.service)
        # Also at the end of the program or of this instance: sockets, thread and database close.
        self._end = weakref.finalize(self, self._engine.stop)

    def process_signals(
        self,
        signals: Iterable[Signal | Mapping[str, Any]],
        cascade_indicators: core.CascadeIndicators | Mapping[str, float | None],
        current_prices: Mapping[str, float | None],
        market_data: Mapping[str, Any] | None = None,
        *,
        current_positions: Mapping[str, float] | None = None,
        portfolio_value: float | None = None,
    ) -> HybridAllocation:
        """Size one batch of signals, as ``POST /allocate`` does.

        Parameters
        ----------
        signals : iterable of TacticalSignal, or of mappings of the wire's fields
            Empty: an empty allocation, a logged warning and a counted fallback.
        cascade_indicators : CascadeIndicators, or a mapping of the wire's fields
        current_prices : mapping of symbol to price of a unit, USD
            Of a contract price x multiplier; None, NaN, zero and less: no price.
        market_data : mapping of JSON values, optional
        current_positions : mapping of symbol to signed quantity, without cash, optional
            Flat by default.
        portfolio_value : float, USD, optional
            That of the instance by default.

        Returns
        -------
        HybridAllocation

        Raises
        ------
        ValueError
            If an input breaks the wire's ranges.
        JournalUnavailable
            If the decision cannot be journalled.
        RuntimeError
            If the instance was stopped, or has a policy or a database and was made before this
            process was forked.
        TimeoutError
            If there is no decision within the policy's deadline and 60 s.
        """
        batch = self._batch(
            signals,
            cascade_indicators,
            current_prices,
            market_data,
            current_positions,
            portfolio_value,
        )
        return HybridAllocation(self._engine.run(self.service.allocate(batch)))

    async def process_signals_async(
        self,
        signals: Iterable[Signal | Mapping[str, Any]],
        cascade_indicators: core.CascadeIndicators | Mapping[str, float | None],
        current_prices: Mapping[str, float | None],
        market_data: Mapping[str, Any] | None = None,
        *,
        current_positions: Mapping[str, float] | None = None,
        portfolio_value: float | None = None,
    ) -> HybridAllocation:
        """Size one batch as `process_signals` does, without blocking the caller's event loop."""
        batch = self._batch(
            signals,
            cascade_indicators,
            current_prices,
            market_data,
            current_positions,
            portfolio_value,
        )
        return HybridAllocation(await self._engine.run_async(self.service.allocate(batch)))

    def record_outcome(
        self,
        symbol: str,
        realized_return: float,
        used_rl: bool | None = None,  # noqa: FBT001 (the guide's signature)
        *,
        decision_id: str | None = None,
        **claim: Unpack[Claim],
    ) -> dict[str, Any]:
        """Record what a symbol returned, as ``POST /outcomes`` does.

        Parameters
        ----------
        symbol : str
        realized_return : float >= -1, simple return of the symbol itself
        used_rl : bool
            Whether the trade followed the policy; needed without ``decision_id``.
        decision_id : str, optional
            Values both allocations of that decision, once per symbol.
        strategy_id, predicted_return, predicted_volatility : optional
            Together, without ``decision_id``, they also feed the strategy's record.

        Returns
        -------
        dict
            ``accepted``, ``duplicates``, ``rejected``.

        Raises
        ------
        ValueError
            If a field breaks its range or the decision is not known.
        TypeError
            If there is no such field.
        """
        if decision_id is None and used_rl is None:
            refuse("used_rl", "be given where decision_id is not", used_rl)
        outcome = Outcome(
            symbol=identifier("symbol", symbol),
            realized_return=number("realized_return", realized_return, -1.0, INFINITY),
            decision_id=decision_id,
            used_rl=used_rl,
            **claim_of(**claim),
        )
        report = self._engine.run(self.service.learning.record_outcomes([outcome]))
        if report["rejected"]:
            raise ValueError(f"outcome of {symbol} was refused: {report['rejected'][0]['reason']}")
        return report

    def get_performance_comparison(self) -> dict[str, Any]:
        """Return RL compared with Phase 2, unpaired and paired, as ``GET /performance`` does."""
        return self._engine.call(self.service.showing.performance)

    def get_state(self) -> dict[str, Any]:
        """Return the fields of ``GET /state``, and the state of the RL client."""
        state = self._engine.call(self.service.showing.state)
        return {**state, "rl_client": self.rl_client.get_state()}

    def stop(self) -> None:
        """Write what is queued, close sockets, end the thread; a second call does nothing."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _batch(
        self,
        signals: Iterable[Signal | Mapping[str, Any]],
        cascade_indicators: core.CascadeIndicators | Mapping[str, float | None],
        current_prices: Mapping[str, float | None],
        market_data: Mapping[str, Any] | None,
        current_positions: Mapping[str, float] | None,
        portfolio_value: float | None,
    ) -> Batch:
        cascade, calm = indicators_of(cascade_indicators)
        return Batch(
            signals=signals_of(signals),
            cascade=cascade,
            prices=prices_of("current_prices", current_prices),
            portfolio_value=self.service.params.portfolio_value
            if portfolio_value is None
            else positive("portfolio_value", portfolio_value),
            received_ns=CLOCK.now_ns(),
            positions=None
            if current_positions is None
            else quantities("current_positions", current_positions),
            market_data=json_values("market_data", market_data or {}),
            calm_by_default=calm,
            value_given=portfolio_value is not None,
        )


def _client(chosen: Settings, breaker: ColabProCircuitBreaker | None) -> TransformerRLClient:
    deadline = chosen.rl_timeout_sec
    policy: PolicyClient
    if chosen.mode == "mock":
        policy = MockPolicyClient(chosen.mock_seed)
    else:
        policy = HttpPolicyClient(
            chosen.rl_endpoint, deadline, clock=CLOCK, options=policy_options(chosen)
        )
    return TransformerRLClient(
        chosen.rl_endpoint,
        deadline,
        breaker or breaker_for(deadline, telemetry=_telemetry(chosen)),
        policy=policy,
    )


def _service(chosen: Settings, client: TransformerRLClient, *, durable: bool) -> SizingService:
    world = World(
        journal=SqlJournal(chosen.database_url, synchronous=chosen.synchronous)
        if durable
        else BoundedJournal(),
        gate=PolicyGate(
            None if chosen.mode == "fallback" else client.policy,
            client.circuit_breaker.machine,
            CLOCK,
        ),
        clock=CLOCK,
        telemetry=_telemetry_beside(client.circuit_breaker, chosen),
    )
    return SizingService(chosen.to_engine_params(), world, chosen.mode)


def _telemetry(chosen: Settings) -> Telemetry:
    return PrometheusTelemetry(mode=chosen.mode) if chosen.enable_metrics else SilentTelemetry()


def _telemetry_beside(breaker: ColabProCircuitBreaker, chosen: Settings) -> Telemetry:
    """Return the breaker's own telemetry where it counts: another would add its totals twice."""
    if not chosen.enable_metrics or isinstance(breaker.telemetry, SilentTelemetry):
        return _telemetry(chosen)
    return breaker.telemetry


def _watch(service: SizingService) -> None:
    """Connect the gauges to this service; the newest instance of a process is shown."""
    telemetry, beliefs = service.world.telemetry, service.beliefs
    if isinstance(telemetry, PrometheusTelemetry):
        telemetry.watch(
            trading_state=lambda: str(beliefs.trading.state),
            circuit=service.operating.circuit,
            performance=service.showing.performance,
            conformal_coverage=beliefs.records.coverage,
            standing_signals=lambda: float(service.standing.count()),
            regime_transitions=lambda: float(beliefs.regimes.transitions),
            regime_false_flips=lambda: float(beliefs.regimes.false_flips),
        )
