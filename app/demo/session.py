"""The four runs in order, then report and exit code.

Phase 2 alone, the real inference server, mock RL, RL endpoint dead.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

import orjson
from tqdm import tqdm

from app.core.errors import HimariError
from app.core.types import FloatArray, JsonObject
from app.demo.picture import draw_picture
from app.demo.play import PlayedRun, Terms, play
from app.demo.policy import compare_with_phase2
from app.demo.report import Report, format_report, report_json
from app.demo.scenario import DayPlan, Scenario, prepare_scenario
from app.demo.summary import equity_of, first_difference, summarise, summarise_equity
from app.history.account import equal_weight_equity
from app.history.prices import PricePanel, load_stock_prices
from app.processes.inference import running_inference_server
from app.processes.service import APPLICATION, running_service, sigterm_as_exit, silent_endpoint

PHASE2: Final = "Phase 2"
RL: Final = "RL mode"
MOCK: Final = "mock RL"
DEAD: Final = "RL dead"
EQUAL_WEIGHT: Final = "equal weight"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What to play, on what terms, and where to write.

    Parameters
    ----------
    start, end : date or None
        First and last day to decide on; None is the panel's own. The default window holds the
        crash of March 2020 and 398 trading days.
    days : int or None
        At most so many days from ``start``; None plays them all.
    out : Path
        Directory of ``demo.png`` and ``report.json``.
    portfolio_value : float, USD
    cost_bps : float
        Basis points of traded notional.
    rebalance_span : float
        The service's ``REBALANCE_SPAN``.
    application : str
        What uvicorn serves.
    """

    start: date | None = date(2019, 9, 3)
    end: date | None = date(2021, 3, 31)
    days: int | None = None
    out: Path = Path("out", "demo")
    portfolio_value: float = 100_000.0
    cost_bps: float = 5.0
    rebalance_span: float = 10.0
    application: str = APPLICATION


def run(options: DemoOptions) -> int:
    """Run the demo and print its report.

    Returns
    -------
    int
        0; 1 if the contract was violated, the dead run was not Phase 2, an answer was not 200, the
        service did not start, or the prices are missing; 130 after Ctrl-C.
    """
    started = time.monotonic()
    try:
        with sigterm_as_exit():
            report = _run(options)
    except HimariError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; no service is left running", file=sys.stderr)
        return 130
    print(f"{'PASSED' if report.passed else 'FAILED'} in {time.monotonic() - started:.0f} s")
    return 0 if report.passed else 1


def _run(options: DemoOptions) -> Report:
    panel = load_stock_prices()
    window = panel.between(options.start, options.end)
    if options.days is not None:
        window = slice(window.start, min(window.stop, window.start + options.days))
    scenario = prepare_scenario(panel, window)
    runs, card = play_all(scenario, options)
    benchmark = _benchmark(panel, window, scenario, options)
    report = Report(
        scenario=scenario,
        runs=tuple(summarise(each) for each in runs),
        equal_weight=summarise_equity(benchmark),
        cost_bps=options.cost_bps,
        rebalance_span=options.rebalance_span,
        phase2_difference=first_difference(runs[0], runs[-1]),
        policy=compare_with_phase2(runs[0], runs[1], card),
    )
    print(format_report(report))
    _write(report, runs, benchmark, options.out)
    return report


def play_all(scenario: Scenario, options: DemoOptions) -> tuple[tuple[PlayedRun, ...], JsonObject]:
    """Play the scenario four times, each on a fresh service.

    Returns
    -------
    tuple of PlayedRun
        Phase 2, RL mode, mock RL, RL dead.
    dict
        Card of the model behind RL mode.
    """
    common = {
        "HIMARI_REBALANCE_SPAN": f"{options.rebalance_span:g}",
        # the journal goes with the demo: it need not survive a power loss
        "HIMARI_SYNCHRONOUS": "NORMAL",
    }
    mock = {"HIMARI_ENABLE_RL": "true", "HIMARI_USE_MOCK_RL": "true"}
    phase2_run = _play_one(PHASE2, common, scenario, options)
    with running_inference_server() as (endpoint, card):
        # packed histories: decoding them as JSON costs both sides more than the model
        real = {
            "HIMARI_ENABLE_RL": "true",
            "HIMARI_RL_ENDPOINT": endpoint,
            "HIMARI_RL_WIRE": "msgpack",
        }
        rl_run = _play_one(RL, common | real, scenario, options)
    mock_run = _play_one(MOCK, common | mock, scenario, options)
    with silent_endpoint() as url:
        # 50 ms is enough for a local model; five silences open the breaker
        dead = {
            "HIMARI_ENABLE_RL": "true",
            "HIMARI_RL_ENDPOINT": url,
            "HIMARI_RL_TIMEOUT_SEC": "0.05",
        }
        dead_run = _play_one(DEAD, common | dead, scenario, options)
    return (phase2_run, rl_run, mock_run, dead_run), card or {}


def _play_one(
    name: str, settings: dict[str, str], scenario: Scenario, options: DemoOptions
) -> PlayedRun:
    terms = Terms(options.portfolio_value, options.cost_bps)
    with running_service(settings, options.application) as client:
        return play(client, scenario, name, terms=terms, progress=partial(_progress, name))


def _progress(name: str, days: Iterable[DayPlan]) -> Iterator[DayPlan]:
    # a log file gets a few lines, a terminal a moving bar
    every_sec = 0.1 if sys.stderr.isatty() else 5.0
    bar = tqdm(days, desc=f"{name:<8}", unit=" days", ascii=True, mininterval=every_sec)
    yield from bar


def _benchmark(
    panel: PricePanel, window: slice, scenario: Scenario, options: DemoOptions
) -> FloatArray:
    closes = panel.closes[window.start : window.start + len(scenario.days) + 1]
    return equal_weight_equity(closes, options.portfolio_value, options.cost_bps)


def _write(
    report: Report, runs: tuple[PlayedRun, ...], benchmark: FloatArray, folder: Path
) -> None:
    picture = folder / "demo.png"
    curves = {each.name: equity_of(each) for each in runs} | {EQUAL_WEIGHT: benchmark}
    draw_picture(picture, report.scenario, runs, curves)
    figures = folder / "report.json"
    figures.write_bytes(orjson.dumps(report_json(report), option=orjson.OPT_INDENT_2))
    print(f"picture: {picture}")
    print(f"figures: {figures}")
