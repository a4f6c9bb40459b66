"""Types of single values on the wire: strict, bounded, as the OpenAPI page shows them.

Strict means: integers count as numbers, booleans and strings do not; nothing is NaN or infinite.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, TypeVar
from unicodedata import category, is_normalized

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.core.types import Action, Regime, TradingState

Member = TypeVar("Member", bound=StrEnum)

# A name that looks like another one is another one: a blank at its end left a position standing.
_ID_PATTERN: Final = r"^[^\s\x00-\x1f\x7f-\xa0]+$"
# what Unicode calls letters or marks, and nobody sees
_BLANKS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
YEAR_2000_NS: Final = 946_684_800 * 10**9
_UNITS: Final = (("seconds", 1), ("milliseconds", 10**3), ("microseconds", 10**6))
_CENTURY_SEC: Final = 100 * 31_556_952
_REASON_PATTERN: Final = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$"

Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Fraction = Annotated[Finite, Field(ge=0, le=1)]
SignedFraction = Annotated[Finite, Field(ge=-1, le=1)]
Positive = Annotated[Finite, Field(gt=0)]
# nothing grows a thousandfold within a horizon: beyond it a feed is broken, and one such value
# would rule a strategy's record for good
SimpleReturn = Annotated[Finite, Field(ge=-1, le=1000)]


def _since_2000(stamp: int) -> int:
    """Refuse a stamp before the year 2000, which is of another unit, and name the likely one."""
    if stamp >= YEAR_2000_NS:
        return stamp
    earliest = YEAR_2000_NS // 10**9
    likely = [
        f"; this looks like {unit}"
        for unit, a_second in _UNITS
        if earliest <= stamp / a_second < earliest + _CENTURY_SEC
    ]
    raise PydanticCustomError(
        "stamp",
        "must be nanoseconds since 1970 UTC, from the year 2000 on{likely}",
        {"likely": "".join(likely)},
    )


def _composed(name: str) -> str:
    """Refuse a name with characters that cannot be seen, or that is not composed (NFC)."""
    if name.isascii():
        return name
    if any(category(letter) in {"Cf", "Zl", "Zp", "Zs"} or letter in _BLANKS for letter in name):
        raise PydanticCustomError("name", "must not hold white space or invisible characters", {})
    if not is_normalized("NFC", name):
        raise PydanticCustomError("name", "must be composed Unicode (NFC)", {})
    return name


Nanoseconds = Annotated[
    int,
    Field(strict=True, ge=0, lt=2**63, json_schema_extra={"minimum": YEAR_2000_NS}),
    AfterValidator(_since_2000),
]
Id = Annotated[
    str, Field(strict=True, max_length=256, pattern=_ID_PATTERN), AfterValidator(_composed)
]
Reason = Annotated[str, Field(strict=True, max_length=500, pattern=_REASON_PATTERN)]
GivenReason = Annotated[Reason, Field(min_length=1)]
Flag = Annotated[bool, Field(strict=True)]


class Body(BaseModel):
    """A request body: unknown fields are refused; ``openapi_examples`` are shown on that page."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    openapi_examples: ClassVar[Mapping[str, Mapping[str, Any]]] = {}


def enum_by_name(names: Mapping[str, Member]) -> Callable[[Any], Member]:
    """Make a validator that turns a name, in either case, into its member.

    Parameters
    ----------
    names : mapping of upper-case name to member

    Returns
    -------
    callable
        Raises PydanticCustomError naming the accepted spellings.
    """
    accepted = ", ".join(names)

    def member_of(value: Any) -> Member:
        if isinstance(value, str):
            found = names.get(value) or names.get(value.upper())
            if found is not None:
                return found
        raise PydanticCustomError("choice", "must be one of {accepted}", {"accepted": accepted})

    return member_of


ACTIONS: Final = {action.value: action for action in Action}
REGIMES: Final = {regime.name: regime for regime in Regime} | {"CRISIS_FLIGHT": Regime.CRISIS}
STATES: Final = {state.value: state for state in TradingState}

ActionName = Annotated[
    Action,
    PlainValidator(enum_by_name(ACTIONS)),
    WithJsonSchema({"type": "string", "enum": [*ACTIONS, *map(str.lower, ACTIONS)]}),
]
RegimeName = Annotated[
    Regime,
    PlainValidator(enum_by_name(REGIMES)),
    WithJsonSchema({"type": "string", "enum": [*REGIMES, *map(str.lower, REGIMES)]}),
]
_STATE_BY_NAME: Final = enum_by_name(STATES)
StateName = Annotated[
    TradingState,
    PlainValidator(_STATE_BY_NAME),
    WithJsonSchema({"type": "string", "enum": [*STATES, *map(str.lower, STATES)]}),
]
# one validator for both, or the document keeps a definition that nothing refers to
OptionalStateName = Annotated[
    TradingState | None,
    PlainValidator(lambda given: None if given is None else _STATE_BY_NAME(given)),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": [*STATES, *map(str.lower, STATES)]},
                {"type": "null"},
            ]
        }
    ),
]
