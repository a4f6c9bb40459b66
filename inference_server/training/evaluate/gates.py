"""Judge gates: the conditions that must hold decide alpha, the aims are only shown.

A gate reads figures by name (``figures.CaseFigures.values``). It is ``missed`` if something it must
show was not run or a must condition fails; ``aim`` if the aim holds too; ``must`` if only the must
does; ``reported`` where the table asks for a report and no more.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from string import Formatter
from typing import Final, Literal

from inference_server.training.evaluate.figures import Figures

Verdict = Literal["aim", "must", "reported", "missed"]
Sign = Literal[">=", ">", "<=", "<"]
HOLDS: Final[dict[Sign, Callable[[float, float], bool]]] = {
    ">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt,
}  # fmt: skip
NOT_RUN: Final = "not run"


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison: the figure, the sign, the bound, and the words it has in the table."""

    figure: str
    sign: Sign
    bound: float
    words: str = "{sign} {bound:g}"

    def holds(self, figures: Figures) -> bool:
        """Return whether the figure was run and meets the bound; NaN meets none."""
        value = figures.get(self.figure)
        return value is not None and HOLDS[self.sign](value, self.bound)

    def text(self) -> str:
        """Return the condition as printed in the table."""
        return _spaced(self.words.format(sign=self.sign, bound=self.bound))


@dataclass(frozen=True, slots=True)
class GateRule:
    """One row of the table.

    Parameters
    ----------
    name : str
    shown : str
        Format of the value, with figures by name; all of them have to be run.
    must, aim : tuple of Condition
        Empty: nothing to meet beyond the report; no aim.
    """

    name: str
    shown: str
    must: tuple[Condition, ...] = ()
    aim: tuple[Condition, ...] = ()

    def shown_figures(self) -> tuple[str, ...]:
        """Names of the figures in the format."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.shown) if name)


@dataclass(frozen=True, slots=True)
class Gate:
    """A row of the table with its outcome.

    Parameters
    ----------
    name, must, aim : str
        As printed; an empty aim where there is none.
    value : float or None
        The first figure shown.
    text : str
        The value as printed, ``not run`` where a figure is missing.
    verdict : {"aim", "must", "reported", "missed"}
    """

    name: str
    must: str
    aim: str
    value: float | None
    text: str
    verdict: Verdict


def judge(rule: GateRule, figures: Figures) -> Gate:
    """Return the outcome of one gate."""
    values = {name: figures.get(name) for name in rule.shown_figures()}
    ran = all(value is not None for value in values.values())
    return Gate(
        name=rule.name,
        must=_words(rule.must) or "reported",
        aim=_words(rule.aim),
        value=next(iter(values.values())),
        text=_spaced(rule.shown.format_map(values)) if ran else NOT_RUN,
        verdict=_verdict(rule, figures) if ran else "missed",
    )


def decide_alpha(gates: tuple[Gate, ...]) -> float:
    """Alpha of the deploy gate m' = 1 + alpha (m - 1): 1 if no gate is missed, else 0."""
    return 0.0 if not gates or any(gate.verdict == "missed" for gate in gates) else 1.0


def _verdict(rule: GateRule, figures: Figures) -> Verdict:
    if not all(condition.holds(figures) for condition in rule.must):
        return "missed"
    if rule.aim and all(condition.holds(figures) for condition in rule.aim):
        return "aim"
    return "must" if rule.must else "reported"


def _spaced(text: str) -> str:
    # Python's percent format leaves no space, the page does
    return re.sub(r"(?<=\d)%", " %", text)


def _words(conditions: tuple[Condition, ...]) -> str:
    return ", ".join(filter(None, (condition.text() for condition in conditions)))
