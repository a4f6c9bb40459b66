"""Plays a scenario through a running service over HTTP, as the layers upstream would.

Before the first day the service gets the closes of the year before, so that correlations and
the policy's features begin with a history. At each close: yesterday's outcomes go back, the
portfolio is marked to market, the day's signals are sent with the positions really held, and the
answer is traded to at the same close.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import httpx
import orjson

from app.core.errors import HimariError
from app.core.types import JsonObject
from app.demo.referee import Limits, violations_of
from app.demo.scenario import DayPlan, PastCloses, Scenario
from app.history.account import Ledger

Progress = Callable[[Iterable[DayPlan]], Iterable[DayPlan]]
HEADERS: Final = {"Content-Type": "application/json"}
LOW_CONFIDENCE: Final = "low_confidence"


class UnexpectedStatus(HimariError):
    """The service answered something else than 200."""


@dataclass(frozen=True, slots=True)
class PlayedDay:
    """One answered day: the answer, what it cost, and what was wrong with it.

    ``equity_usd`` is the portfolio value sent with the request, before the day's trades.
    """

    day: date
    equity_usd: float
    traded_usd: float
    latency_ms: float
    answer: JsonObject
    violations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlayedRun:
    """All days of one run; ``final_equity_usd`` is at the close after the last decision.

    ``abstained`` counts, by the reason that the policy gave, the days on which it left every symbol
    to Phase 2; a day with several reasons counts for each.
    """

    name: str
    days: tuple[PlayedDay, ...]
    final_equity_usd: float
    outcomes_accepted: int
    performance: JsonObject
    abstained: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a run is played."""

    portfolio_value_usd: float = 100_000.0
    cost_bps: float = 5.0
    limits: Limits = field(default_factory=Limits)


def play(
    client: httpx.Client,
    scenario: Scenario,
    name: str,
    *,
    terms: Terms,
    progress: Progress = iter,
) -> PlayedRun:
    """Play every day of a scenario and check every answer.

    Parameters
    ----------
    client : httpx.Client
        With the service's base URL.
    scenario : Scenario
    name : str
        What the report calls the run.
    terms : Terms
    progress : callable, optional
        Wraps the days to show progress.

    Raises
    ------
    UnexpectedStatus
        At the first answer that is not 200, or outcomes that were not all accepted.
    """
    for closes in scenario.history:
        tell_closes(client, closes)
    ledger = Ledger(terms.portfolio_value_usd, terms.cost_bps)
    played: list[PlayedDay] = []
    accepted = 0
    for plan in progress(scenario.days):
        day = play_day(client, plan, ledger, terms)
        played.append(day)
        accepted += post_outcomes(client, plan, day.answer["decision_id"])
    return PlayedRun(
        name,
        tuple(played),
        ledger.value_usd(scenario.last_prices),
        accepted,
        _performance(client),
        abstentions(client, played),
    )


def play_day(client: httpx.Client, plan: DayPlan, ledger: Ledger, terms: Terms) -> PlayedDay:
    """Ask for one day's targets and trade to them at the close."""
    equity = ledger.value_usd(plan.prices)
    request = allocate_request(plan, equity, ledger.quantities)
    started = time.perf_counter()
    answer = _post(client, "/allocate", request, plan.day)
    latency_ms = (time.perf_counter() - started) * 1000.0
    violations = violations_of(request, answer, terms.limits)
    targets = {position["symbol"]: position["target_quantity"] for position in answer["positions"]}
    traded = ledger.trade_to(targets, plan.prices)
    return PlayedDay(plan.day, equity, traded, latency_ms, answer, violations)


def tell_closes(client: httpx.Client, closes: PastCloses) -> None:
    """Feed one day's closes to the service without asking it anything."""
    body = {"timestamp_ns": closes.timestamp_ns, "prices": dict(closes.prices)}
    response = client.post("/market/prices", content=orjson.dumps(body), headers=HEADERS)
    _answer(response, "POST /market/prices")


def abstentions(client: httpx.Client, days: Iterable[PlayedDay]) -> dict[str, int]:
    """Count the days by the policy's own reason for leaving all to Phase 2, from the journal.

    A reason ends at its first colon where what follows differs from day to day.
    """
    counted, wordings = Counter[str](), dict[str, set[str]]()
    for day in days:
        if day.answer["fallback_reason"] != LOW_CONFIDENCE:
            continue
        reasons = _reasons(client, day.answer["decision_id"])
        counted.update({reason.partition(":")[0] for reason in reasons})
        for reason in reasons:
            wordings.setdefault(reason.partition(":")[0], set()).add(reason)
    return {
        min(wordings[short]) if len(wordings[short]) == 1 else short: count
        for short, count in counted.most_common()
    }


def _reasons(client: httpx.Client, decision_id: str) -> set[str]:
    """Give the reasons of one decision's predictions; "none given" stands for silence."""
    what = f"/decisions/{decision_id}"
    decision = _answer(client.get(what), f"GET {what}")
    rows = [row for row in decision["policy"]["predictions"] if row is not None]
    return {row["reason"] or "none given" for row in rows}


def allocate_request(
    plan: DayPlan, portfolio_value_usd: float, quantities: Mapping[str, float]
) -> JsonObject:
    """Body of ``POST /allocate`` for one day, with the positions really held."""
    return {
        "signals": list(plan.signals),
        "cascade_indicators": dict(plan.cascade),
        "current_prices": dict(plan.prices),
        "portfolio_value": portfolio_value_usd,
        "current_positions": dict(quantities),
    }


def post_outcomes(client: httpx.Client, plan: DayPlan, decision_id: str) -> int:
    """Post each signalled symbol's own return until the next close; count what was accepted.

    Raises
    ------
    UnexpectedStatus
        If the service did not accept every one.
    """
    symbols = dict.fromkeys(signal["symbol"] for signal in plan.signals)
    outcomes = [
        {
            "decision_id": decision_id,
            "symbol": symbol,
            "realized_return": plan.next_returns[symbol],
        }
        for symbol in symbols
        if symbol in plan.next_returns
    ]
    answer = _post(client, "/outcomes", {"outcomes": outcomes}, plan.day)
    if answer["accepted"] != len(outcomes):
        raise UnexpectedStatus(
            f"POST /outcomes of {plan.day} must accept {len(outcomes)} outcomes, was {answer}"
        )
    return len(outcomes)


def _post(client: httpx.Client, path: str, body: JsonObject, day: date) -> JsonObject:
    response = client.post(path, content=orjson.dumps(body), headers=HEADERS)
    return _answer(response, f"POST {path} of {day}")


def _performance(client: httpx.Client) -> JsonObject:
    return _answer(client.get("/performance"), "GET /performance")


def _answer(response: httpx.Response, what: str) -> JsonObject:
    if response.status_code != httpx.codes.OK:
        raise UnexpectedStatus(
            f"{what} must answer 200, was {response.status_code}: {response.text[:300]}"
        )
    body: JsonObject = orjson.loads(response.content)
    return body
