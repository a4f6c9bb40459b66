"""The record of a liar as a page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tests.tools.bench.report import machine
from tests.tools.chaos.flaps import Verdict
from tests.tools.chaos.liar_cases import AS_SHIPPED, TEN_AT_50, UNBRAKED, Case, Heard, percent
from tests.tools.chaos.liar_compare import LEAST_USD
from tests.tools.chaos.liar_run import Plan
from tests.tools.chaos.liar_stream import STEP_SEC, STRATEGIES, SYMBOLS

_FATES: Final = ("refused", "ignored", "disbelieved", "learnt")
# whose lies are those of another case
_ALIKE: Final = (TEN_AT_50, UNBRAKED)
_WHY: Final = """
What is not promised, and why:

- What lies on a bound is believed, and exactly 10 lies on that of 0.9. Set the brakes to 0.8 where
  feeds may be wrong by 10.
- A price that is said three times over a minute or more, with no believed one between, is believed:
  a true jump must be, some time. A symbol that is priced every minute leaves no time for it. Where
  the next batch then has no price of that symbol, it is sized at the wrong one.
- A posted return has no brake. It counts as 8 volatilities at most, but a wrong one raises the
  volatility that the next is measured by, and the symbol's next price teaches no return.
- An outcome of less than 20 claimed volatilities may be true, and each decision and symbol counts
  once, so whoever posts first is believed. `POST /outcomes/withdraw` takes it back.
- The first price of a symbol is believed. Here the honest caller came first, three hours before.

What was learnt from such lies stays until it is forgotten, and so does what the account lost by
trades at wrong prices.
"""


def page_lines(
    about: str, plan: Plan, heard: Mapping[Case, Heard], verdicts: Sequence[Verdict]
) -> Iterator[str]:
    """Yield the lines of the page."""
    yield "# A liar beside an honest caller"
    yield ""
    yield from _setting(about, plan)
    yield ""
    yield "| promise | measured | allowed | |"
    yield "| --- | ---: | ---: | --- |"
    for verdict in verdicts:
        kept = "kept" if verdict.kept else "**broken**"
        yield f"| {verdict.what} | {verdict.measured} | {verdict.allowed} | {kept} |"
    yield ""
    yield from _cases(heard)
    yield _WHY.rstrip()
    yield ""
    yield from _fates({case: found for case, found in heard.items() if case not in _ALIKE})


def _setting(about: str, plan: Plan) -> Iterator[str]:
    where = machine()
    yield f"{about}, on {where['processor']},"
    yield f"{where['cores']} cores, Python {where['python']}. The application runs in process on a"
    yield "clock of its own."
    yield ""
    yield f"Each seed draws an honest stream of {plan.steps} batches, one every"
    yield f"{STEP_SEC // 60} minutes: {len(SYMBOLS)} symbols that walk at random,"
    yield f"{len(STRATEGIES)} strategies, one of which claims no volatility, gaps in the prices,"
    yield "outcomes after an hour, targets filled at the true price. It runs once alone, and once a"
    yield f"case with somebody who posts {plan.lies} lies after each of {plan.during} batches:"
    yield "numbers that are wrong by powers of ten, either way (100 to 1,000,000 unless said), but"
    yield "never by the same one three times running unless said."
    yield ""
    yield "A size is a target quantity at the true price. Differences are from the run alone,"
    yield f"relative to its size, or to {LEAST_USD:g} USD where that is less; the largest of all"
    yield "seeds. Beliefs are last price, volatility, correlations and regime of the honest"
    yield "symbols, the records of the honest strategies, and the peak of the portfolio value. The"
    yield "brakes are `BRAKES__PRICE_JUMP_FROM` and `BRAKES__VALUE_JUMP_FROM`,"
    yield f'{AS_SHIPPED:g} each unless said. "After" is from the twelfth batch after the last lie'
    yield "on: an hour of data."


def _cases(heard: Mapping[Case, Heard]) -> Iterator[str]:
    yield (
        "| wrong | lies | promised | sizes meanwhile | sizes beyond 5 % | sizes after "
        "| prices after | beliefs after |"
    )
    yield "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |"
    for case, found in heard.items():
        apart = found.difference
        figures = (apart.during, apart.beyond, apart.after, apart.prices, apart.beliefs)
        cells = (
            case.name,
            f"{found.fates.total():,}",
            "yes" if case.promised else "no",
            *map(percent, figures),
        )
        yield f"| {' | '.join(cells)} |"


def _fates(heard: Mapping[Case, Heard]) -> Iterator[str]:
    yield "## What became of the lies"
    yield ""
    yield "Refused: 422, or rejected with a reason. Ignored: a stamp too far ahead, or older."
    yield ""
    yield f"| wrong | number | posted | {' | '.join(_FATES)} |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for case, found in heard.items():
        for habit in case.habits:
            counts = [found.fates[habit, fate] for fate in _FATES]
            yield f"| {case.name} | {habit} | {sum(counts):,} | {' | '.join(map(str, counts))} |"
