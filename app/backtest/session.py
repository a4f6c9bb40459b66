"""The policies of one backtest in order, on the same days."""

import asyncio
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from tqdm import tqdm

from app.backtest import options as names
from app.backtest.benchmarks import Aim, Benchmark, EqualWeight, VolatilityTarget
from app.backtest.figures import periods_per_year
from app.backtest.learned import policy_client, served, why_absent
from app.backtest.options import BacktestOptions
from app.backtest.record import TrainingRecord
from app.backtest.simulate import DailyPolicy, Run, Terms, simulate
from app.backtest.sizer import Sizer
from app.backtest.tape import MarketDay, Tape, TooFewDays
from app.core.decision.draft import Draft
from app.core.params import EngineParams
from app.core.types import JsonObject
from app.settings import Settings

MIN_WINDOW_DAYS: Final = 60


@dataclass(frozen=True, slots=True)
class Played:
    """One policy's run over the days of the figures; ``sizer`` is None for a benchmark."""

    name: str
    run: Run
    ms_per_decision: float
    sizer: Sizer | None = None
    card: JsonObject | None = None


class Backtest:
    """Everything the policies of one backtest share.

    Parameters
    ----------
    tape : Tape
    options : BacktestOptions
    settings : Settings
        Limits and the pipeline's other numbers; span, shorts and value come from the options.

    Raises
    ------
    TooFewDays
        If Phase 2 never wants a position, or the window has fewer than 60 days.
    """

    def __init__(self, tape: Tape, options: BacktestOptions, settings: Settings) -> None:
        self.tape = tape
        self.options = options
        self.settings = settings
        self.params = _params(options, settings)
        self.periods = periods_per_year(tape.panel.dates)
        value = self.params.portfolio_value
        self.terms = Terms(value, options.cost_bps, options.delay, options.outcomes)
        window = tape.panel.between(options.start, options.end)
        stop = min(window.stop, len(tape.panel.dates) - 1)
        self.record: TrainingRecord | None = None
        self.first_aim = asyncio.run(self._find_first_aim(stop))
        self.rows = range(max(self.first_aim, window.start), stop)
        if len(self.rows) < MIN_WINDOW_DAYS:
            raise TooFewDays(
                f"figures need at least {MIN_WINDOW_DAYS} days with signals in the window, "
                f"had {len(self.rows)}"
            )

    async def _find_first_aim(self, stop: int) -> int:
        """Find the first row on which Phase 2 wants a position; until then everybody is flat."""
        wants: list[int] = []

        def note(day: MarketDay, drafted: Draft) -> None:
            if drafted.portfolio.weights.any():
                wants.append(day.row)

        sizer = Sizer(self.params, note=note)
        for row in range(stop):
            day = self.tape.day(row)
            if row < self.tape.first_row:
                sizer.watch(day)
                continue
            await sizer.targets(day, self.params.portfolio_value, {})
            if wants:
                return row
            if self.terms.outcomes:
                sizer.learn(day)
        raise TooFewDays("Phase 2 never wanted a position in these prices")

    def play(self, name: str) -> tuple[Played | None, str | None]:
        """Play one policy.

        Returns
        -------
        Played or None
        str or None
            Why it was not played.
        """
        if name in names.LEARNED:
            return self._play_learned(name)
        if name in {names.EQUAL_WEIGHT, names.VOL_TARGET}:
            return self._play_benchmark(name), None
        return self.play_sizer(name, self._sizer(name)), None

    def _play_benchmark(self, name: str) -> Played:
        limits, symbols = self.params.limits, self.tape.panel.symbols
        aim: Aim = EqualWeight(limits.max_portfolio_pct)
        if name == names.VOL_TARGET:
            aim = VolatilityTarget(len(symbols), self.periods)
        policy = Benchmark(symbols, aim, limits, span=self.options.span)
        run, ms = self._simulate(name, policy, self.first_aim)
        return Played(name, run, ms)

    def _sizer(self, name: str) -> Sizer:
        if name == names.KELLY:
            trading = self.params.trading
            at_once = replace(trading, rebalance_span=0.0, rebalance_half_life_sec=0.0)
            return Sizer(replace(self.params, trading=at_once))
        if self.options.record_path is None:
            return Sizer(self.params)
        self.record = TrainingRecord(self.tape, self.params)
        return Sizer(self.params, note=self.record.note)

    def play_sizer(self, name: str, sizer: Sizer) -> Played:
        """Play the pipeline with any policy behind it."""
        run, ms = self._simulate(name, sizer, self.tape.first_row)
        return Played(name, run, ms, sizer)

    def _play_learned(self, name: str) -> tuple[Played | None, str | None]:
        absent = why_absent(name)
        if absent is not None:
            return None, absent
        with served(name, self.options.inference_url, self.settings) as server:
            client = policy_client(server, self.settings)
            breaker = self.settings.to_breaker_params()
            sizer = Sizer(self.params, client, breaker=breaker)
            return replace(self.play_sizer(name, sizer), card=server.card), None

    def _simulate(self, name: str, policy: DailyPolicy, first_row: int) -> tuple[Run, float]:
        rows = range(first_row, self.rows.stop)
        started = time.perf_counter()
        run = asyncio.run(simulate(policy, self.tape, rows, self.terms, partial(_progress, name)))
        ms = 1e3 * (time.perf_counter() - started) / len(rows)
        return run.since(self.rows.start), ms


def _params(options: BacktestOptions, settings: Settings) -> EngineParams:
    params = settings.to_engine_params()
    return replace(
        params,
        portfolio_value=options.portfolio_value_usd or params.portfolio_value,
        limits=replace(params.limits, allow_short=options.short),
        # a day is one batch of every strategy
        signals=replace(params.signals, standing=False),
        trading=replace(params.trading, rebalance_span=options.span, rebalance_half_life_sec=0.0),
    )


def _progress(name: str, rows: Iterable[int]) -> Iterator[int]:
    # a log file gets a few lines, a terminal a moving bar
    every_sec = 0.1 if sys.stderr.isatty() else 5.0
    with closing(
        tqdm(rows, desc=f"{name:<14}", unit=" days", ascii=True, mininterval=every_sec)
    ) as bar:
        yield from bar
