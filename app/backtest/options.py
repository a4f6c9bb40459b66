"""What a backtest is asked to do, and the sentences that refuse what it cannot."""

from dataclasses import dataclass, field
from datetime import date
from math import inf
from pathlib import Path
from typing import Final

from app.core.errors import HimariError

EQUAL_WEIGHT: Final = "equal_weight"
VOL_TARGET: Final = "vol_target"
KELLY: Final = "kelly"
KELLY_SMOOTHED: Final = "kelly_smoothed"
LINEAR: Final = "linear"
RL: Final = "rl"
POLICIES: Final = (EQUAL_WEIGHT, VOL_TARGET, KELLY, KELLY_SMOOTHED, LINEAR, RL)
LEARNED: Final = (LINEAR, RL)
MODES: Final = ("fallback", "rl")


class OptionRefused(HimariError):
    """An option has no meaning, alone or beside another."""


@dataclass(frozen=True, slots=True)
class BacktestOptions:
    """Options of ``himari backtest``.

    Parameters
    ----------
    prices : Path
        CSV file of closes.
    json_path : Path
    html_path, record_path, returns_path : Path, optional
        Each its own, and none the price file.
    column : str, optional
        ``COLUMN`` or ``SYMBOL=COLUMN`` of the price file: one instrument.
    mode : str
        ``fallback``: Phase 2 and benchmarks; ``rl``: the learned policies as well.
    short : bool
        Whether the pipeline's policies may be short; the benchmarks never are.
    cost_bps : float
        Basis points of traded notional, >= 0.
    span : float
        ``REBALANCE_SPAN`` of all policies but ``kelly``, finite and >= 1.
    start, end : date, optional
        First and last day of the figures; the policies live through the days before.
    delay : int
        Closes between decision and trade: 0 or 1.
    inference_url : str, optional
        A running server to ask for ``rl`` instead of one of our own.
    outcomes : bool
        Whether realised returns are fed back, as ``POST /outcomes`` does.
    only : tuple of str
        Policies to play; empty: all of the mode.
    portfolio_value_usd : float, optional
        Finite and > 0; by default the settings' own.
    """

    prices: Path
    json_path: Path
    html_path: Path | None = None
    record_path: Path | None = None
    returns_path: Path | None = None
    column: str | None = None
    mode: str = "fallback"
    short: bool = False
    cost_bps: float = 5.0
    span: float = 10.0
    start: date | None = None
    end: date | None = None
    delay: int = 0
    inference_url: str | None = None
    outcomes: bool = True
    only: tuple[str, ...] = ()
    portfolio_value_usd: float | None = None
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Check what can be checked before any file is read.

        Raises
        ------
        OptionRefused
            In one sentence.
        """
        _require(self.mode in MODES, f"--mode must be fallback or rl, was {self.mode}")
        _require(self.delay in {0, 1}, f"--delay must be 0 or 1, was {self.delay}")
        _require(1.0 <= self.span < inf, f"--span must be finite and >= 1, was {self.span:g}")
        _require(
            0.0 <= self.cost_bps < 1e4,
            f"--cost-bps must be >= 0 and < 10000, was {self.cost_bps:g}",
        )
        value = self.portfolio_value_usd
        _require(
            value is None or 0.0 < value < inf,
            f"--portfolio-value must be finite and > 0, was {value}",
        )
        _require(
            self.start is None or self.end is None or self.start <= self.end,
            f"--start must not be after --end, was {self.start} and {self.end}",
        )
        _require(
            self.inference_url is None or self.mode == "rl",
            "--inference-url needs --mode rl",
        )
        files = (self.prices, *self.written)
        _require(
            len({path.absolute() for path in files}) == len(files),
            f"each file must have a name of its own, was {', '.join(map(str, files))}",
        )
        unknown = [name for name in self.only if name not in POLICIES]
        _require(not unknown, f"--only must name {', '.join(POLICIES)}, was {', '.join(unknown)}")
        object.__setattr__(self, "names", self._names())

    @property
    def written(self) -> tuple[Path, ...]:
        """Files that are written, those asked for."""
        paths = (self.json_path, self.html_path, self.record_path, self.returns_path)
        return tuple(path for path in paths if path is not None)

    def _names(self) -> tuple[str, ...]:
        possible = [name for name in POLICIES if self.mode == "rl" or name not in LEARNED]
        chosen = [name for name in possible if not self.only or name in self.only]
        # what training reads is Phase 2's, noted while kelly_smoothed is played
        if self.record_path is not None and KELLY_SMOOTHED not in chosen:
            chosen = [name for name in possible if name in chosen or name == KELLY_SMOOTHED]
        _require(
            bool(chosen), f"--mode fallback plays none of {', '.join(self.only)}, use --mode rl"
        )
        return tuple(chosen)


def _require(holds: bool, sentence: str) -> None:  # noqa: FBT001 - a condition and its sentence
    if not holds:
        raise OptionRefused(sentence)
