"""How far a run with a liar is from the same run without."""

from dataclasses import dataclass
from typing import Any, Final

from tests.tools.chaos.liar_run import Plan, Played
from tests.tools.chaos.liar_stream import SYMBOLS

# Below it a size is next to nothing, and so is a difference: 0.1 % of the portfolio.
LEAST_USD: Final = 100.0
MOST_DIFFERENCE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a run with the liar is from the run without, as fractions.

    Attributes
    ----------
    during : float
        Largest of a size from the first lie until an hour after the last one.
    beyond : float
        Share of the sizes of that time that differ by more than 5 %.
    after : float
        Largest of a size from then on.
    prices : float
        Largest of a believed price an hour after the last lie.
    beliefs : float
        Largest of anything that is believed then.
    """

    during: float
    beyond: float
    after: float
    prices: float
    beliefs: float


def compare(liars: Played, honest: Played, plan: Plan) -> Difference:
    """Say how far the run with the liar is from the run without."""
    rows = [
        [_apart(mine.get(name, 0.0), true.get(name, 0.0), LEAST_USD) for name in SYMBOLS]
        for mine, true in zip(liars.sizes, honest.sizes, strict=True)
    ]
    during = [each for row in rows[plan.before : plan.well_again] for each in row]
    names = liars.beliefs.keys() | honest.beliefs.keys()
    believed = {name: _differ(liars.beliefs.get(name), honest.beliefs.get(name)) for name in names}
    return Difference(
        during=max(during),
        beyond=sum(each > MOST_DIFFERENCE for each in during) / len(during),
        after=max(each for row in rows[plan.well_again :] for each in row),
        prices=max(apart for name, apart in believed.items() if name.endswith(".last_price")),
        beliefs=max(believed.values()),
    )


def _apart(mine: float, true: float, least: float) -> float:
    return abs(mine - true) / max(abs(true), least)


def _differ(mine: Any, true: Any) -> float:
    """Return the relative difference of two numbers; 1 where other values differ."""
    if isinstance(mine, int | float) and isinstance(true, int | float):
        return 0.0 if mine == true else _apart(mine, true, 1e-9)
    return float(mine != true)
