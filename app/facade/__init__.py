"""The deployment guide's names, inside the caller's process.

The way of a call, a line per step with its file::

    inputs.py   signals, indicators, prices: the wire's names, ranges and refusals
    plain.py    numbers of numpy, Decimals, datetimes and Series as plain values
    hybrid.py   Layer3Phase3Hybrid: arguments to parameters, inputs to a batch
    correcting.py  accept, split, forget, withdraw
    engine.py   runs the service from blocking code
    loop.py     an event loop in a thread of its own, where something is waited for
    client.py   TransformerRLClient: the policy server, one signal at a time
    breaker.py  ColabProCircuitBreaker: the service's breaker around any call
    options.py  keyword arguments held to the ranges of the service's settings
    host_log.py the host program's own logging
    journal.py  the last decisions, in memory
    silence.py  telemetry that counts nothing, for an instance with metrics off
    answer.py   the wire's answer, its fields as attributes

It is the engine of the HTTP service, not a second one.
"""

from app.facade.answer import HybridAllocation
from app.facade.breaker import CircuitBreakerOpenException, ColabProCircuitBreaker
from app.facade.client import TransformerRLClient
from app.facade.hybrid import Layer3Phase3Hybrid
from app.facade.inputs import CascadeIndicators, MarketRegime, TacticalAction, TacticalSignal

__all__ = [
    "CascadeIndicators",
    "CircuitBreakerOpenException",
    "ColabProCircuitBreaker",
    "HybridAllocation",
    "Layer3Phase3Hybrid",
    "MarketRegime",
    "TacticalAction",
    "TacticalSignal",
    "TransformerRLClient",
]
