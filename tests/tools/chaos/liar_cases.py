"""How somebody lies, under which brakes, what is promised of it, and whether that was kept."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from app.core.params import BrakeParams
from tests.tools.chaos.flaps import Verdict
from tests.tools.chaos.liar_compare import MOST_DIFFERENCE, Difference
from tests.tools.chaos.liar_lies import ATTACKS, PROMISED

# within an hour of the last lie only the last bits of a sum may differ
MOST_LEFT: Final = 1e-9
AS_SHIPPED: Final = BrakeParams().price_jump_from
BY_HUNDRED: Final = (2, 3, 4, 5, 6)
BY_TEN: Final = (1,)


@dataclass(frozen=True, slots=True)
class Case:
    """What the liar does in one run.

    Attributes
    ----------
    name : str
    powers : tuple of int
        Of ten, by which a number is wrong.
    habits : tuple of str
        Kinds of lies.
    brake : float, fraction in [0, 1)
        For prices and portfolio value.
    promised : bool
        Whether it must change nothing.
    """

    name: str
    powers: tuple[int, ...] = BY_HUNDRED
    habits: tuple[str, ...] = PROMISED
    brake: float = AS_SHIPPED
    promised: bool = False


HUNDRED: Final = Case("by 100 to 1,000,000", promised=True)
TEN: Final = Case("by exactly 10", BY_TEN)
TEN_AT_80: Final = Case("by exactly 10, brakes at 0.8", BY_TEN, brake=0.8, promised=True)
TEN_AT_50: Final = Case("by exactly 10, brakes at 0.5", BY_TEN, brake=0.5, promised=True)
UNBRAKED: Final = Case("by 100 to 1,000,000, brakes off", brake=0.0)
CASES: Final = (
    HUNDRED,
    TEN_AT_80,
    TEN_AT_50,
    TEN,
    *(Case(habit, habits=(habit,)) for habit in ATTACKS),
    UNBRAKED,
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a case came to: its largest differences, and the fate of each kind of lie."""

    difference: Difference
    fates: Counter[tuple[str, str]]


def merged(one: Heard, other: Heard) -> Heard:
    """Return the worse of two runs of a case, and the fates of all their lies."""
    worst = {
        name: max(getattr(one.difference, name), getattr(other.difference, name))
        for name in Difference.__dataclass_fields__
    }
    return Heard(Difference(**worst), one.fates + other.fates)


def judge(heard: Mapping[Case, Heard]) -> list[Verdict]:
    """Hold the cases to what is promised; without brakes the comparison must notice."""
    verdicts: list[Verdict] = []
    for case, found in heard.items():
        if case.promised:
            verdicts += _promises(case, found.difference)
        elif case.brake == 0.0:
            during = found.difference.during
            noticed = during > MOST_DIFFERENCE
            verdicts.append(Verdict(f"{case.name}: is noticed", percent(during), "> 5 %", noticed))
    prices = max(found.difference.prices for found in heard.values())
    what = "all of them: believed prices within an hour"
    return [*verdicts, Verdict(what, percent(prices), "0 %", prices <= MOST_LEFT)]


def _promises(case: Case, apart: Difference) -> Iterator[Verdict]:
    kept = apart.during <= MOST_DIFFERENCE
    yield Verdict(f"{case.name}: sizes meanwhile", percent(apart.during), "<= 5 %", kept)
    left = max(apart.after, apart.beliefs)
    what = f"{case.name}: sizes and beliefs within an hour"
    yield Verdict(what, percent(left), "0 %", left <= MOST_LEFT)


def percent(fraction: float) -> str:
    """Show a fraction in percent."""
    return "> 1,000 %" if fraction > 10.0 else f"{100.0 * fraction:.3g} %"
