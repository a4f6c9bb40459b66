"""Journal events as JSON, and their effect on beliefs: the state is a fold over them."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

import orjson

from app.core.beliefs import Beliefs, Lesson, TradingStatus
from app.core.decision.observe import Observation, observe_batch
from app.core.errors import JournalUnavailable
from app.core.params import EngineParams
from app.core.portfolio.factors import FactorModel
from app.core.types import (
    Action,
    Batch,
    CascadeIndicators,
    FallbackReason,
    PolicyAnswer,
    Prediction,
    Regime,
    Signal,
    TradingState,
)

SETTINGS = "settings"
BATCH = "batch"
DECISION = "decision"
OUTCOMES = "outcomes"
PRICES = "prices"
RETURNS = "returns"
FACTORS = "factors"
TRADING_STATE = "trading_state"
BREAKER = "breaker"
OPERATOR = "operator"


def batch_to_json(batch: Batch) -> dict[str, Any]:
    """Batch as a JSON-able dict that :func:`batch_from_json` turns back exactly."""
    return {
        "signals": [
            {name: getattr(signal, name) for name in Signal.__slots__} for signal in batch.signals
        ],
        "cascade": asdict(batch.cascade),
        "prices": dict(batch.prices),
        "portfolio_value": batch.portfolio_value,
        "received_ns": batch.received_ns,
        "positions": None if batch.positions is None else dict(batch.positions),
        "market_data": dict(batch.market_data),
        "calm_by_default": list(batch.calm_by_default),
    }


def batch_from_json(data: Mapping[str, Any]) -> Batch:
    """Rebuild a journalled batch."""
    return Batch(
        signals=tuple(
            Signal(
                **{**entry, "action": Action(entry["action"]), "regime": Regime(entry["regime"])}
            )
            for entry in data["signals"]
        ),
        cascade=CascadeIndicators(**data["cascade"]),
        prices=data["prices"],
        portfolio_value=data["portfolio_value"],
        received_ns=data["received_ns"],
        positions=data["positions"],
        market_data=data["market_data"],
        calm_by_default=tuple(data["calm_by_default"]),
    )


def answer_to_json(answer: PolicyAnswer) -> dict[str, Any]:
    """Policy answer as a JSON-able dict."""
    return asdict(answer)


def answer_from_json(data: Mapping[str, Any]) -> PolicyAnswer:
    """Rebuild a journalled policy answer."""
    return PolicyAnswer(
        predictions=tuple(
            None if entry is None else Prediction(**entry) for entry in data["predictions"]
        ),
        reason=None if data["reason"] is None else FallbackReason(data["reason"]),
        model_version=data["model_version"],
        detail=data["detail"],
        latency_ms=data["latency_ms"],
    )


def encode(value: Any) -> bytes:
    """UTF-8 JSON; floats survive a round trip exactly."""
    return orjson.dumps(value)


def decode(payload: bytes) -> Any:
    """Inverse of :func:`encode`.

    Raises
    ------
    JournalUnavailable
        If it is not JSON: what was written is damaged.
    """
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise JournalUnavailable(f"a journalled event is damaged: {error}") from error


def apply_event(
    kind: str,
    data: Mapping[str, Any],
    beliefs: Beliefs,
    watch: Callable[[Observation | None], None] | None = None,
) -> Beliefs:
    """Fold one event into beliefs: the one function by which a journal becomes a state.

    Parameters
    ----------
    kind : str
        Kinds without an effect (breaker, operator) change nothing.
    data : mapping
        The event's payload.
    beliefs : Beliefs
    watch : callable, optional
        Called for a batch and for a decision, with what was observed (None for a decision whose
        batch came before it), while the beliefs are those that the decision was made under.

    Returns
    -------
    Beliefs
        New ones after a change of settings, else those that came in.
    """
    if kind == SETTINGS:
        return beliefs.under(EngineParams.from_json(data["params"]))
    if kind in {BATCH, DECISION}:
        observed = None
        if kind == BATCH or data["batch_seq"] is None:
            observed = observe_batch(batch_from_json(data["batch"]), beliefs, beliefs.params)
        if watch is not None:
            watch(observed)
        if kind == DECISION:
            beliefs.drift.learn(data["answer"]["strategy_weights"])
    elif kind in _EFFECTS:
        _EFFECTS[kind](data, beliefs)
    return beliefs


def _learn_prices(data: Mapping[str, Any], beliefs: Beliefs) -> None:
    beliefs.observe_prices(data["timestamp_ns"], data["values"])


def _learn_returns(data: Mapping[str, Any], beliefs: Beliefs) -> None:
    beliefs.market.observe_returns(data["timestamp_ns"], data["values"])


def _adopt_factors(data: Mapping[str, Any], beliefs: Beliefs) -> None:
    beliefs.structure.factors = FactorModel.restore(dict(data))


def _throw_switch(data: Mapping[str, Any], beliefs: Beliefs) -> None:
    beliefs.throw_switch(status_from_json(data), rebase=data.get("rebase", False))


def status_from_json(data: Mapping[str, Any]) -> TradingStatus:
    """Rebuild a journalled kill switch; journals of old know neither flatten nor rebase."""
    return TradingStatus(
        TradingState(data["state"]),
        data["reason"],
        data["since_ns"],
        data.get("flatten", False),
        data.get("actor", ""),
    )


def apply_outcomes(data: Mapping[str, Any], beliefs: Beliefs) -> int:
    """Teach lessons and feed both comparisons; return how many lessons were refused."""
    refused = sum(not beliefs.learn(Lesson(*lesson)) for lesson in data["lessons"])
    for trade_return, used_rl in data["unpaired"]:
        beliefs.performance.add_unpaired(trade_return, used_rl=used_rl)
    # journals of old know the difference alone
    for decision_id, *returns in data["paired"]:
        beliefs.performance.add_paired(decision_id, *returns)
    return refused


_EFFECTS: Final[dict[str, Callable[[Mapping[str, Any], Beliefs], object]]] = {
    OUTCOMES: apply_outcomes,
    PRICES: _learn_prices,
    RETURNS: _learn_returns,
    FACTORS: _adopt_factors,
    TRADING_STATE: _throw_switch,
}
