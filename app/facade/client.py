"""The guide's RL client: one signal at a time, behind the breaker, from any thread."""

import asyncio
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from app.adapters.clock import SystemClock
from app.adapters.policy.http import HttpPolicyClient
from app.adapters.policy.options import HttpPolicyOptions
from app.core.params import KellyParams, LimitParams, MarketParams, SignalParams
from app.core.stages.horizon import bring_to_horizon
from app.core.stages.kelly import believed_claims, kelly_sizes
from app.core.types import DIRECTION, PolicyInput, Prediction, Signal
from app.facade.breaker import ColabProCircuitBreaker
from app.facade.inputs import signals_of
from app.facade.loop import BackgroundLoop
from app.pipeline.ports import PolicyClient, Telemetry

_LEASE_DEADLINES: Final = 2.0
# the policy client ends an exchange at its deadline; this bounds the wait if it cannot
_GRACE_SEC: Final = 10.0


class TransformerRLClient:
    """Client of a policy server, behind a circuit breaker.

    Parameters
    ----------
    endpoint_url : str
        URL of the single call; ``{endpoint_url}/batch`` is tried first where there is one.
    timeout_sec : float, seconds
        For the whole exchange.
    circuit_breaker : ColabProCircuitBreaker, optional
        One of its own by default.
    api_key : str, optional
        Travels as a bearer token.
    headers : mapping, optional
        For tunnels.
    policy : PolicyClient, optional
        Used instead of the endpoint.

    Raises
    ------
    ValueError
        If endpoint, deadline or a header cannot be used.
    """

    def __init__(
        self,
        endpoint_url: str = "http://localhost:8888/predict",
        timeout_sec: float = 5.0,
        circuit_breaker: ColabProCircuitBreaker | None = None,
        *,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        policy: PolicyClient | None = None,
    ) -> None:
        self.endpoint_url: Final = endpoint_url
        self.timeout_sec: Final = timeout_sec
        options = HttpPolicyOptions(api_key=api_key, headers=headers or {})
        self.policy: Final = policy or HttpPolicyClient(
            endpoint_url, timeout_sec, clock=SystemClock(), options=options
        )
        self.circuit_breaker: Final = circuit_breaker or breaker_for(timeout_sec)
        self.loop: Final = BackgroundLoop()

    def predict(self, signal: Signal | Mapping[str, Any]) -> Prediction:
        """Return the prediction of one signal, without history and held positions.

        The baseline that the server may scale is the signal's own fractional Kelly size within
        the default limit of a position.

        Parameters
        ----------
        signal : TacticalSignal, or a mapping of the wire's fields

        Returns
        -------
        Prediction
            ``position_pct`` (signed fraction of portfolio value), ``confidence``, ...

        Raises
        ------
        CircuitBreakerOpenException
            If the circuit is open; nothing was sent.
        PolicyFailure
            If there was no usable answer within the deadline; it counted as a failure unless the
            fault was the caller's own.
        ValueError
            If the signal breaks the wire's ranges.
        RuntimeError
            If this process is a fork of the one that asked first.
        """
        deadline_sec = self.timeout_sec + _GRACE_SEC
        return self.loop.run(self._guarded(_input_of(signal)), deadline_sec)

    async def predict_async(self, signal: Signal | Mapping[str, Any]) -> Prediction:
        """Return the prediction as `predict` does, without blocking the caller's event loop."""
        return await asyncio.wrap_future(self.loop.submit(self._guarded(_input_of(signal))))

    def get_state(self) -> dict[str, Any]:
        """Return counts of predictions, endpoint, deadline and the breaker's state."""
        return {
            **self.policy.statistics(),
            "endpoint_url": self.endpoint_url,
            "timeout_sec": self.timeout_sec,
            "circuit_breaker": self.circuit_breaker.get_state(),
        }

    def stop(self) -> None:
        """Close sockets and end the thread; a second call does nothing."""
        if not self.loop.stopped and not self.loop.is_of_another_process():
            self.loop.submit(self.policy.close()).result()
            self.loop.stop()

    async def _guarded(self, row: PolicyInput) -> Prediction:
        prediction: Prediction = await self.circuit_breaker.call(self._predict_one, row)
        return prediction

    async def _predict_one(self, row: PolicyInput) -> Prediction:
        (prediction,) = await self.policy.predict((row,))
        if prediction is None:
            raise RuntimeError("a policy client without any usable row must raise PolicyFailure")
        return prediction


def breaker_for(
    timeout_sec: float, *, telemetry: Telemetry | None = None
) -> ColabProCircuitBreaker:
    """Return a breaker whose probe can use its whole deadline before another caller may probe."""
    lease = max(30.0, _LEASE_DEADLINES * timeout_sec)
    return ColabProCircuitBreaker(probe_lease_sec=lease, telemetry=telemetry)


def _input_of(signal: Signal | Mapping[str, Any]) -> PolicyInput:
    (known,) = signals_of([signal])
    said = [[known.horizon_sec], [known.expected_return], [known.predicted_volatility]]
    own, mean, sigma = np.array(said, dtype=np.float64)
    claims = bring_to_horizon(own, mean, sigma, SignalParams().horizon_sec)
    claim, volatility = float(claims.expected_return[0]), float(claims.volatility[0])
    claim = 0.0 if math.isnan(claim) else claim
    volatility = MarketParams().default_volatility if math.isnan(volatility) else volatility
    return PolicyInput(
        symbol=known.symbol,
        action=known.action,
        confidence=known.confidence,
        risk_score=known.risk_score,
        regime=known.regime,
        expected_return=claim,
        predicted_volatility=volatility,
        baseline_pct=DIRECTION[known.action] * _size_alone(claim, known.confidence, volatility),
        current_pct=0.0,
        returns=np.empty(0),
        interval_sec=None,
    )


def _size_alone(claim: float, confidence: float, volatility: float) -> float:
    """Return the size of a signal of a strategy without a record, fraction of portfolio value."""
    params, none = KellyParams(), np.zeros(1)
    sharpe = believed_claims(np.array([confidence * claim / volatility]), params)
    size = kelly_sizes(sharpe, np.array([volatility]), none, np.ones(1, dtype=np.bool_), params)
    return min(float(size[0]), params.max_size_pct, LimitParams().max_position_pct)
