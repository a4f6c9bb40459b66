"""The client for code that waits; ``tests/client/test_twins.py`` keeps its twin equal."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self, TypeVar, Unpack

import httpx

from app.client import calls
from app.client import schemas_request as requests
from app.client import schemas_response as responses
from app.client.attempts import ClientOptions, Outcome, Send, Wait, attempts
from app.client.calls import Call
from app.client.deadline import UNTIL
from app.client.errors import CallFailed
from app.client.opening import DEFAULT_URL, checked_address, fields_of, headers_of, trust_of
from app.client.reply import Reply
from app.client.wire_sync import DeadlineTransport

Answer = TypeVar("Answer")


class HimariClient:
    """Client of one service, for any number of threads; close it, or use ``with``.

    Every method is named after an operation of the OpenAPI document, takes and returns its JSON as
    typed dicts, and raises :class:`CallFailed` where there is no answer. Calls that can be repeated
    without harm are tried again after a lost connection, 429 and 503, within one deadline.

    Parameters
    ----------
    base_url : str
        Where the service answers; a path of a proxy may follow.
    api_key : str, optional
        Sent as bearer token.
    options : ClientOptions, optional

    Raises
    ------
    ValueError
        If the address is not an http or https URL.
    OSError
        If the file of authorities cannot be read.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        api_key: str | None = None,
        options: ClientOptions | None = None,
    ) -> None:
        self._options = options or ClientOptions()
        self._client = httpx.Client(
            base_url=checked_address(base_url),
            headers=headers_of(api_key, self._options),
            transport=DeadlineTransport(trust_of(base_url, self._options)),
            trust_env=False,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._client.base_url)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def _do(self, call: Call[Answer]) -> Answer:
        steps = attempts(call, self._options)
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                answer: Answer = end.value
                return answer
            outcome = self._take(call, step)

    def _take(self, call: Call[Answer], step: Send | Wait) -> Outcome:
        if isinstance(step, Wait):
            time.sleep(step.seconds)
            return None
        token = UNTIL.set(step.until)
        try:
            reply = self._client.request(
                call.method,
                call.path,
                params=call.query,
                content=call.body,
                headers=fields_of(call),
            )
        except CallFailed as error:
            return error
        finally:
            UNTIL.reset(token)
        return Reply(reply.status_code, reply.headers, reply.content)

    def allocate(
        self,
        batch: requests.AllocateRequest,
        *,
        idempotency_key: str | None = None,
        dry_run: bool = False,
    ) -> responses.AllocateResponse:
        """Size one batch of signals, once however often it is sent.

        Parameters
        ----------
        batch : AllocateRequest
        idempotency_key : str, optional
            A key of the batch that outlives this program; random by default.
        dry_run : bool
            Decide without changing or journalling anything.
        """
        return self._do(calls.allocate(batch, idempotency_key, dry_run=dry_run))

    def record_outcomes(
        self, outcomes: list[requests.Outcome], *, idempotency_key: str | None = None
    ) -> responses.OutcomesResponse:
        """Report realised returns, once however often they are sent.

        Parameters
        ----------
        outcomes : list of Outcome
        idempotency_key : str, optional
            A key of these outcomes that outlives this program; random by default.
        """
        return self._do(calls.record_outcomes(outcomes, idempotency_key))

    def withdraw_outcomes(
        self, outcomes: list[requests.WithdrawnOutcome], reason: str
    ) -> responses.WithdrawResponse:
        """Take outcomes back as if they had never been posted; they may be posted once more."""
        return self._do(calls.withdraw_outcomes(outcomes, reason))

    def observe_returns(
        self, timestamp_ns: int, returns: Mapping[str, float]
    ) -> responses.ObservationsResponse:
        """Feed the return history."""
        return self._do(calls.observe_returns(timestamp_ns, returns))

    def observe_prices(
        self, timestamp_ns: int, prices: Mapping[str, float | None]
    ) -> responses.ObservationsResponse:
        """Feed the price history."""
        return self._do(calls.observe_prices(timestamp_ns, prices))

    def accept_price(self, symbol: str, price: float, reason: str) -> responses.AcceptResponse:
        """Believe a price, in USD a unit, that was taken for an error; never sent twice."""
        return self._do(calls.accept_price(symbol, price, reason))

    def split_symbol(self, symbol: str, ratio: float, reason: str) -> responses.SplitResponse:
        """Divide past prices by a ratio, new units per old one; never sent twice."""
        return self._do(calls.split_symbol(symbol, ratio, reason))

    def forget_symbol(self, symbol: str, reason: str) -> responses.ForgetResponse:
        """Forget prices and returns of a symbol; never sent twice."""
        return self._do(calls.forget_symbol(symbol, reason))

    def get_signals(self) -> responses.SignalsResponse:
        """Signals in force, by symbol and strategy."""
        return self._do(calls.get_signals())

    def end_signals(
        self, strategy_id: str, symbol: str | None = None
    ) -> responses.EndSignalsResponse:
        """End what stands of a strategy, on one symbol or on all; never sent twice."""
        return self._do(calls.end_signals(strategy_id, symbol))

    def get_circuit(self) -> responses.CircuitResponse:
        """State of the breaker."""
        return self._do(calls.get_circuit())

    def reset_circuit(self, reason: str | None = None) -> responses.CircuitResponse:
        """Force the breaker closed."""
        return self._do(calls.reset_circuit(reason))

    def set_circuit_mode(self, wanted: requests.CircuitModeRequest) -> responses.CircuitResponse:
        """Set the breaker's mode."""
        return self._do(calls.set_circuit_mode(wanted))

    def get_trading_state(self) -> responses.TradingStateResponse:
        """State of the kill switch."""
        return self._do(calls.get_trading_state())

    def set_trading_state(
        self, wanted: requests.TradingStateRequest, *, if_state_is: str | None = None
    ) -> responses.TradingStateResponse:
        """Set the kill switch; never sent twice.

        Parameters
        ----------
        wanted : TradingStateRequest
        if_state_is : str, optional
            Only if this state is in effect, else TradingStateDiffers is raised.
        """
        return self._do(calls.set_trading_state(wanted, if_state_is))

    def get_performance(self) -> responses.PerformanceResponse:
        """Compare the policy with Phase 2."""
        return self._do(calls.get_performance())

    def get_correlations(self, symbols: list[str] | None = None) -> responses.CorrelationsResponse:
        """Correlations of these symbols, or of all that are known."""
        return self._do(calls.get_correlations(symbols))

    def get_risk_budget(self) -> responses.RiskBudgetResponse:
        """Use of every limit by the last decision."""
        return self._do(calls.get_risk_budget())

    def get_weights_csv(self, **filters: Unpack[requests.WeightsQuery]) -> str:
        """Weight history: a line for each decision and symbol."""
        return self._do(calls.get_weights_csv(filters))

    def list_decisions(
        self, **filters: Unpack[requests.DecisionsQuery]
    ) -> responses.DecisionsResponse:
        """One page of the journal, newest first; ``next_before_seq`` leads to the next."""
        return self._do(calls.list_decisions(filters))

    def get_decision(self, decision_id: str) -> responses.JournalledDecision:
        """One decision with inputs, stages and both allocations."""
        return self._do(calls.get_decision(decision_id))

    def get_state(self) -> responses.StateResponse:
        """Everything the service believes now."""
        return self._do(calls.get_state())

    def get_liveness(self) -> responses.HealthResponse:
        """Whether the process runs."""
        return self._do(calls.get_liveness())

    def get_readiness(self) -> responses.ReadyResponse:
        """Whether to send requests there; "not ready" is an answer, not an error."""
        return self._do(calls.get_readiness())

    def get_metrics(self) -> str:
        """Prometheus metrics."""
        return self._do(calls.get_metrics())
