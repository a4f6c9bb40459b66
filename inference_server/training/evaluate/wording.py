"""The words of the page: names of cases and policies, numbers as printed, tables in Markdown."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from inference_server.training.evaluate.bootstrap import PairedGain
from inference_server.training.evaluate.gates import Verdict
from inference_server.training.evaluate.results import Case

CASE_NAMES: Final[dict[Case, str]] = {"long_flat": "Long/flat", "long_short": "Long/short"}
POLICY_NAMES: Final = {
    "equal_weight": "equal weight",
    "vol_target": "volatility target",
    "kelly": "Kelly",
    "kelly_smoothed": "smoothed Kelly",
    "linear": "linear multiplier",
    "transformer": "Transformer multiplier",
    "rl": "served policy",
}
VERDICTS: Final[dict[Verdict, str]] = {
    "aim": "aim met",
    "must": "met",
    "reported": "reported",
    "missed": "**MISSED**",
}


def policy_name(policy: str) -> str:
    """Return the printed name of a policy; an unknown one keeps its own."""
    return POLICY_NAMES.get(policy, policy)


def number(value: float | None, digits: int = 3) -> str:
    """Return a figure as printed; ``-`` where there is none, ``inf`` where nothing was lost."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.{digits}f}"


def percent(value: float, digits: int = 1) -> str:
    """Print a share as percent."""
    return f"{100.0 * value:.{digits}f} %"


def gain_text(gain: PairedGain | None) -> str:
    """Print a gain with its 95 % interval; ``-`` where there is none."""
    return f"{gain.gain:.3f} [{gain.ci_low:.3f}, {gain.ci_high:.3f}]" if gain else "-"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a Markdown table; the first column is text, the others align right."""
    lines = [_row(header), _row(["---", *["---:"] * (len(header) - 1)])]
    return "\n".join([*lines, *(_row(row) for row in rows)])


def _row(cells: Sequence[str]) -> str:
    # a bar inside a cell would open another one
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
