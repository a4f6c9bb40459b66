"""The fields of every kind of journal event, and what an absent one means: one table.

An event is never rewritten. A field that was added later is therefore absent from older events,
where it means what held then, which ``absent`` says; today's default is never put in its place.
A field or a kind that is in no table is refused: it may change what the fold must do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final

from app.core.params import EngineParams
from app.core.types import CascadeIndicators, PolicyAnswer, Prediction, Signal

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
ACCEPT = "accept"
SPLIT = "split"
FORGET = "forget"
WITHDRAW = "withdraw"
SIGNAL = "signal"
# kinds that begin so have no effect on the state, in this build and in every later one
NOTE_PREFIX: Final = "note_"

_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


class UnknownField(ValueError):
    """An object of an event has a field too many or too few; the text names it."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields that an object always has, and optional ones with what their absence means."""

    always: frozenset[str]
    absent: Mapping[str, Any] = field(default_factory=lambda: _NONE)

    def complete(self, data: Mapping[str, Any], path: str = "") -> dict[str, Any]:
        """Return the object with every field.

        Raises
        ------
        UnknownField
            If it has a field that is not known, or lacks one that it always has.
        """
        missing = self.always - data.keys()
        if missing:
            raise UnknownField(f"lacks {_named(missing, path)}")
        if len(data) > len(self.always):
            unknown = data.keys() - self.always - self.absent.keys()
            if unknown:
                raise UnknownField(f"has {_named(unknown, path)}, not known to this build")
        return {**self.absent, **data} if self.absent else dict(data)


def _named(names: Iterable[str], path: str) -> str:
    return ", ".join(f"`{path}{name}`" for name in sorted(names))


def _of(*names: str, **absent: Any) -> Fields:
    return Fields(frozenset(names), MappingProxyType({**absent}))


# the request that caused an event, and the decision that it belongs to, where there are any
_IDS: Final[Mapping[str, Any]] = MappingProxyType({"request_id": None, "decision_id": None})

_CHANGE = ("value", "reason", "actor")
KINDS: Final[Mapping[str, Fields]] = MappingProxyType(
    {
        # without `rules` it is of rules 1
        SETTINGS: _of("params", "digest", "was", *_CHANGE, rules=1, build="", **_IDS),
        BATCH: _of("batch", **_IDS),
        DECISION: _of(
            *("batch", "batch_seq", "state_version", "policy", "trace", "rl_symbols", "answer"),
            **_IDS,
        ),
        OUTCOMES: _of("lessons", "unpaired", "paired", "pairs", **_IDS),
        PRICES: _of("timestamp_ns", "values", **_IDS),
        RETURNS: _of("timestamp_ns", "values", **_IDS),
        FACTORS: _of("symbols", "shape", "loadings", "market_version", **_IDS),
        # `taken`: the stream whose state was taken over at the start
        TRADING_STATE: _of(
            *("state", "reason", "since_ns", "flatten", "actor", "rebase"), taken=None, **_IDS
        ),
        BREAKER: _of("circuit", "reason", taken=None, **_IDS),
        OPERATOR: _of("what", *_CHANGE, **_IDS),
        ACCEPT: _of("symbol", "price", "at_ns", "reason", "actor", **_IDS),
        SPLIT: _of("symbol", "ratio", "reason", "actor", **_IDS),
        FORGET: _of("symbol", "reason", "actor", **_IDS),
        WITHDRAW: _of("pairs", "reason", "actor", **_IDS),
        # `ended`: pairs of strategy and symbol
        SIGNAL: _of("ended", "reason", "actor", **_IDS),
    }
)


def _dataclass(shape: type, **absent: Any) -> Fields:
    return Fields(frozenset(each.name for each in fields(shape)) - absent.keys(), absent)


_BATCH_FIELDS = _of(
    *("signals", "cascade", "prices", "portfolio_value", "received_ns", "positions"),
    *("market_data", "calm_by_default", "stamps_until_ns", "value_given"),
    standing=(),
)
_SIGNAL_FIELDS = _dataclass(Signal, horizon_sec=None, valid_for_sec=None)
_CASCADE_FIELDS = _dataclass(CascadeIndicators)
_POLICY_FIELDS = _dataclass(PolicyAnswer)
_PREDICTION_FIELDS = _dataclass(Prediction)

# horizon of a lesson, or of a signal in a trace, that names none: there was this one
HORIZON_ABSENT_SEC: Final = 86_400.0

# parameters added since RULES 2, by dotted name, with the value that held before there were any
PARAMS_ABSENT: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "regime.period_sec": 0.0,
        "cascade.confirmations": 1,
        "cascade.forget_sec": 0.0,
        "trading.rebalance_half_life_sec": 0.0,
        "signals.horizon_sec": HORIZON_ABSENT_SEC,
        "signals.standing": False,
        "signals.valid_for_sec": 86_400.0,
    }
)
# parameters that are gone since RULES 2, by dotted name; they are dropped
PARAMS_GONE: Final[frozenset[str]] = frozenset()


def complete_event(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event's payload with every field of its kind.

    Raises
    ------
    UnknownField
        If the kind, or a field of it, is not known to this build.
    """
    known = KINDS.get(kind)
    if known is None:
        if kind.startswith(NOTE_PREFIX):
            return dict(data)
        raise UnknownField("is of a kind that is not known to this build")
    whole = known.complete(data)
    if kind == SETTINGS:
        whole["params"] = complete_params(whole["params"])
    elif kind in {BATCH, DECISION}:
        whole["batch"] = _complete_batch(whole["batch"])
    if kind == DECISION:
        whole["policy"] = policy = _POLICY_FIELDS.complete(whole["policy"], "policy.")
        policy["predictions"] = [
            each and _PREDICTION_FIELDS.complete(each, "policy.predictions.")
            for each in policy["predictions"]
        ]
    return whole


def complete_params(
    data: Mapping[str, Any],
    absent: Mapping[str, Any] = PARAMS_ABSENT,
    gone: frozenset[str] = PARAMS_GONE,
) -> dict[str, Any]:
    """Return journalled parameters with every field; absent ones get the value that held then.

    Raises
    ------
    UnknownField
        If a parameter is neither known nor gone, or absent without a known meaning.
    """
    flat = _flat(data)
    known = _flat(EngineParams().to_json())
    for name in flat.keys() & gone:
        del flat[name]
    for name, value in absent.items():
        flat.setdefault(name, value)
    Fields(frozenset(known)).complete(flat, "params.")
    whole: dict[str, Any] = {}
    for name, value in flat.items():
        group, _, rest = name.partition(".")
        if rest:
            whole.setdefault(group, {})[rest] = value
        else:
            whole[group] = value
    return whole


def _flat(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters by dotted name, two levels deep: what is in a group's field is a value."""
    flat: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(value, Mapping):
            flat.update({f"{name}.{rest}": each for rest, each in value.items()})
        else:
            flat[name] = value
    return flat


def _complete_batch(data: Mapping[str, Any]) -> dict[str, Any]:
    whole = _BATCH_FIELDS.complete(data, "batch.")
    whole["cascade"] = _CASCADE_FIELDS.complete(whole["cascade"], "batch.cascade.")
    for name in ("signals", "standing"):
        whole[name] = [_SIGNAL_FIELDS.complete(signal, f"batch.{name}.") for signal in whole[name]]
    return whole
