"""Journal events as JSON, and their effect on beliefs: the state is a fold over them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, Final

import orjson

from app.core.beliefs import Beliefs, TradingStatus
from app.core.books.records import Lesson
from app.core.decision.observe import Observation, observe_batch
from app.core.errors import JournalUnavailable
from app.core.params import EngineParams
from app.core.portfolio.factors import FactorModel
from app.core.signals import signal_from_json, signal_to_json
from app.core.types import (
    Batch,
    CascadeIndicators,
    FallbackReason,
    PolicyAnswer,
    Prediction,
    TradingState,
)
from app.pipeline.event_fields import (
    ACCEPT,
    BATCH,
    BREAKER,
    DECISION,
    FACTORS,
    FORGET,
    OPERATOR,
    OUTCOMES,
    PRICES,
    RETURNS,
    SETTINGS,
    SIGNAL,
    SPLIT,
    TRADING_STATE,
    WITHDRAW,
    UnknownField,
    complete_event,
)
from app.pipeline.ports import StoredEvent

__all__ = [
    "ACCEPT",
    "BATCH",
    "BREAKER",
    "BUILD",
    "DECISION",
    "FACTORS",
    "FORGET",
    "OPERATOR",
    "OUTCOMES",
    "PRICES",
    "RETURNS",
    "RULES",
    "SETTINGS",
    "SIGNAL",
    "SPLIT",
    "TRADING_STATE",
    "WITHDRAW",
]

# The number of the mathematics: a release that changes a fold or a decision's number raises it.
RULES: Final = 2
BUILD: Final = version("himari-layer3")


def batch_to_json(batch: Batch) -> dict[str, Any]:
    """Batch as a JSON-able dict that :func:`batch_from_json` turns back exactly."""
    return {
        "signals": [signal_to_json(signal) for signal in batch.signals],
        "cascade": asdict(batch.cascade),
        "prices": dict(batch.prices),
        "portfolio_value": batch.portfolio_value,
        "received_ns": batch.received_ns,
        "positions": None if batch.positions is None else dict(batch.positions),
        "market_data": dict(batch.market_data),
        "calm_by_default": list(batch.calm_by_default),
        "stamps_until_ns": batch.stamps_until_ns,
        "value_given": batch.value_given,
        "standing": [signal_to_json(signal) for signal in batch.standing],
    }


def batch_from_json(data: Mapping[str, Any]) -> Batch:
    """Rebuild a journalled batch."""
    return Batch(
        signals=tuple(map(signal_from_json, data["signals"])),
        cascade=CascadeIndicators(**data["cascade"]),
        prices=data["prices"],
        portfolio_value=data["portfolio_value"],
        received_ns=data["received_ns"],
        positions=data["positions"],
        market_data=data["market_data"],
        calm_by_default=tuple(data["calm_by_default"]),
        stamps_until_ns=data["stamps_until_ns"],
        value_given=data["value_given"],
        standing=tuple(map(signal_from_json, data["standing"])),
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


def with_ids(
    payload: Callable[[], bytes], request_id: str | None, decision_id: str | None
) -> Callable[[], bytes]:
    """Return a payload that begins with the ids of what caused the event; absent ids are left out.

    Parameters
    ----------
    payload : callable
        Gives the UTF-8 JSON of an object.
    request_id, decision_id : str, optional
    """
    ids = {"request_id": request_id, "decision_id": decision_id}
    known = {name: value for name, value in ids.items() if value is not None}
    if not known:
        return payload

    def joined() -> bytes:
        rest = payload()
        return encode(known)[:-1] + (b"," if rest != b"{}" else b"") + rest[1:]

    return joined


def read_event(stored: StoredEvent) -> dict[str, Any]:
    """Return a stored event's payload with every field of its kind.

    Raises
    ------
    JournalUnavailable
        If it is damaged, of other rules, or of a kind or with a field that this build does not
        know; the sentence names kind, seq and build.
    """
    try:
        data = complete_event(stored.kind, decode(stored.payload))
    except UnknownField as error:
        msg = (
            f"event {stored.seq} of the journal, of kind `{stored.kind}`, {error} ({BUILD}): "
            "run the build that wrote it, or a later one"
        )
        raise JournalUnavailable(msg) from error
    if stored.kind == SETTINGS:
        require_rules(data)
    return data


def require_rules(data: Mapping[str, Any]) -> None:
    """Raise unless settings or a checkpoint are of the rules of this build.

    Raises
    ------
    JournalUnavailable
        With how to go on.
    """
    rules, build = data.get("rules", 1), data.get("build") or "that wrote it"
    if rules == RULES:
        return
    if rules > RULES:
        msg = (
            f"the journal is of rules {rules}, newer than {RULES} of this build ({BUILD}): "
            f"run the build {build}"
        )
    else:
        msg = (
            f"the journal is of rules {rules} and this build ({BUILD}) decides by rules {RULES}: "
            f"export its decisions with the build {build} (GET /decisions, GET "
            "/portfolio/weights.csv), then begin a new journal by naming another one in "
            "HIMARI_DATABASE_URL"
        )
    raise JournalUnavailable(msg)


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
        Kinds without an effect (breaker, operator, notes) change nothing.
    data : mapping
        The event's payload, as :func:`read_event` returns it.
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
            beliefs.learn_decision(data["answer"])
    elif kind in _EFFECTS:
        _EFFECTS[kind](data, beliefs)
    return beliefs


def _learn_prices(data: Mapping[str, Any], beliefs: Beliefs) -> None:
    beliefs.observe_prices(data["timestamp_ns"], data["values"])


def _learn_returns(data: Mapping[str, Any], beliefs: Beliefs) -> None:
    beliefs.market.observe_returns(data["timestamp_ns"], data["values"])


def _accept_price(data: Mapping[str, Any], beliefs: Beliefs) -> None:
    beliefs.market.accept(data["symbol"], data["price"], data["at_ns"])


def _split_symbol(data: Mapping[str, Any], beliefs: Beliefs) -> None:
    beliefs.market.split(data["symbol"], data["ratio"])


def _forget_symbol(data: Mapping[str, Any], beliefs: Beliefs) -> None:
    beliefs.market.forget(data["symbol"])


def _withdraw_outcomes(data: Mapping[str, Any], beliefs: Beliefs) -> None:
    beliefs.withdraw([(decision, symbol) for decision, symbol in data["pairs"]])


def _end_signals(data: Mapping[str, Any], beliefs: Beliefs) -> None:
    beliefs.standing.end((strategy_id, symbol) for strategy_id, symbol in data["ended"])


def _adopt_factors(data: Mapping[str, Any], beliefs: Beliefs) -> None:
    beliefs.structure.factors = FactorModel.restore(dict(data))


def _throw_switch(data: Mapping[str, Any], beliefs: Beliefs) -> None:
    beliefs.throw_switch(status_from_json(data), rebase=data["rebase"])


def status_to_json(
    status: TradingStatus, *, rebase: bool = False, taken: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Return the payload of a kill switch that was thrown; its version is counted by the fold."""
    return {
        "state": status.state,
        "reason": status.reason,
        "since_ns": status.since_ns,
        "flatten": status.flatten,
        "actor": status.actor,
        "rebase": rebase,
        "taken": None if taken is None else dict(taken),
    }


def status_from_json(data: Mapping[str, Any]) -> TradingStatus:
    """Return the kill switch of a journalled event."""
    return TradingStatus(
        TradingState(data["state"]),
        data["reason"],
        data["since_ns"],
        data["flatten"],
        data["actor"],
    )


def apply_outcomes(data: Mapping[str, Any], beliefs: Beliefs) -> int:
    """Teach lessons and feed both comparisons; return how many lessons were refused."""
    refused = 0
    for lesson in data["lessons"]:
        numbers = lesson["c"], lesson["z"], lesson["residual"]
        origin = lesson["decision"], lesson["symbol"], lesson["period"]
        taught = Lesson(lesson["strategy"], *numbers, *origin, lesson["horizon_sec"])
        refused += not beliefs.learn(taught)
    for trade_return, used_rl, *pair in data["unpaired"]:
        beliefs.performance.add_unpaired(trade_return, used_rl=used_rl, origin=_origin(pair))
    for decision_id, difference, alone, symbol in data["paired"]:
        beliefs.performance.add_paired(decision_id, difference, alone, symbol)
    beliefs.withdrawn.difference_update((decision, symbol) for decision, symbol in data["pairs"])
    return refused


def _origin(pair: Sequence[str | None]) -> tuple[str, str] | None:
    decision_id, symbol = pair
    return None if decision_id is None or symbol is None else (decision_id, symbol)


_EFFECTS: Final[dict[str, Callable[[Mapping[str, Any], Beliefs], object]]] = {
    OUTCOMES: apply_outcomes,
    PRICES: _learn_prices,
    RETURNS: _learn_returns,
    FACTORS: _adopt_factors,
    TRADING_STATE: _throw_switch,
    ACCEPT: _accept_price,
    SPLIT: _split_symbol,
    FORGET: _forget_symbol,
    WITHDRAW: _withdraw_outcomes,
    SIGNAL: _end_signals,
}
