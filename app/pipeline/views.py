"""What the service shows of itself: journalled decisions, beliefs, correlations, telemetry."""

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from app.core.beliefs import Beliefs
from app.core.decision.conclude import Conclusion
from app.core.decision.draft import Draft
from app.core.decision.targets import Targets
from app.core.policy.circuit import BreakerMode
from app.core.portfolio.correlation import diversification_score
from app.core.stages.kelly import calibrate
from app.core.types import PolicyAnswer
from app.pipeline import events
from app.pipeline.answer import Decision, DecisionDetails, risk_budget
from app.pipeline.ports import StoredEvent
from app.pipeline.spreadsheet import number_cell, text_cell

_SHOWN_SYMBOLS = 100
_COLUMNS = (
    "timestamp_ns",
    "decision_id",
    "strategy",
    "symbol",
    "strategy_id",
    "phase2_weight",
    "weight",
)


def _csv_line(values: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


WEIGHTS_HEADER = _csv_line(_COLUMNS)
OPERATIONS = (
    *(events.TRADING_STATE, events.OPERATOR, events.BREAKER, events.SETTINGS),
    *(events.ACCEPT, events.SPLIT, events.FORGET, events.WITHDRAW, events.SIGNAL),
)


def decision_payload(
    concluded: Conclusion,
    decision: Decision,
    answer: PolicyAnswer,
    batch_seq: int | None,
    state_version: int,
) -> bytes:
    """Encode one decision for the journal: inputs, policy answer, stages, both allocations."""
    observed, phase1 = concluded.observed, concluded.drafted.phase1
    table = observed.table
    return events.encode(
        {
            "batch": events.batch_to_json(observed.sized_batch()),
            "batch_seq": batch_seq,
            "state_version": state_version,
            "policy": events.answer_to_json(answer),
            "trace": [
                [signal.symbol, signal.strategy_id, *numbers]
                for signal, *numbers in zip(
                    table.signals,
                    table.direction.tolist(),
                    phase1.own_edge.tolist(),
                    phase1.own_volatility.tolist(),
                    phase1.claims.horizon_sec.tolist(),
                    [None if math.isnan(each) else each for each in phase1.own_sharpe.tolist()],
                    strict=True,
                )
            ],
            "rl_symbols": list(concluded.finished.rl_symbols),
            "answer": decision.answer,
        }
    )


def decision_view(stored: StoredEvent) -> dict[str, Any]:
    """Show a journalled decision."""
    data = events.decode(stored.payload)
    answer = data["answer"]
    return {
        "decision_id": answer["decision_id"],
        "seq": stored.seq,
        "journalled_ns": stored.at_ns,
        "request_id": data.get("request_id"),
        "state_version": data["state_version"],
        "request": data["batch"],
        "policy": data["policy"],
        "answer": answer,
    }


def weight_lines(stored: StoredEvent) -> Iterator[str]:
    """CSV lines of one decision: a line per symbol and contributing signal."""
    answer = events.decode(stored.payload)["answer"]
    value = answer["portfolio_value"]
    for position in answer["positions"]:
        for part in position["contributions"] or [None]:
            if part is None:
                owner, phase2, weight = "", position["weight"], position["weight"]
            else:
                owner = part["strategy_id"] or ""
                phase2 = part["stages"]["portfolio_usd"] / value
                weight = part["final_usd"] / value
            yield _csv_line(
                (
                    answer["timestamp_ns"],
                    answer["decision_id"],
                    answer["strategy"],
                    text_cell(position["symbol"]),
                    text_cell(owner),
                    number_cell(phase2),
                    number_cell(weight),
                )
            )


def decision_details(drafted: Draft, final: Targets) -> DecisionDetails:
    """Condense a decision for the metrics and the risk budget."""
    observed = drafted.observed
    directed = observed.table.direction.nonzero()[0]
    kelly, scale = drafted.phase1.kelly[directed], drafted.phase1.scale[directed]
    return DecisionDetails(
        kelly_fraction=float(kelly.mean()) if len(kelly) else 0.0,
        conformal_scale=float(scale.mean()) if len(scale) else 1.0,
        regimes={symbol: regime.value for symbol, regime in observed.regimes.items()},
        risk_budget=risk_budget(observed, final),
    )


_CORRECTIONS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    events.ACCEPT: lambda data: f"{data['symbol']} at {data['price']:.10g}",
    events.SPLIT: lambda data: f"{data['symbol']} by {data['ratio']:.10g}",
    events.FORGET: lambda data: str(data["symbol"]),
    events.WITHDRAW: lambda data: ", ".join(
        f"{symbol} of {name}" for name, symbol in data["pairs"]
    ),
    events.SIGNAL: lambda data: "ended " + ", ".join(map("/".join, data["ended"])),
}


def operation_view(stored: StoredEvent) -> dict[str, Any]:
    """Show who changed what and why; a breaker that moved by itself has no actor."""
    data = events.decode(stored.payload)
    if stored.kind == events.TRADING_STATE:
        act = {"what": "trading_state", "value": data["state"], "flatten": data.get("flatten")}
    elif stored.kind == events.OPERATOR:
        act = {"what": data["what"], "value": data["value"]}
    elif stored.kind == events.BREAKER:
        circuit = data["circuit"]
        forced = circuit["mode"] == BreakerMode.FORCED_OPEN
        act = {"what": "circuit", "value": "forced_open" if forced else circuit["state"]}
    elif stored.kind in _CORRECTIONS:
        act = {"what": stored.kind, "value": _CORRECTIONS[stored.kind](data)}
    else:
        act = {"what": "settings", "value": data["digest"]}
    reason, actor = data.get("reason"), data.get("actor")
    ids = {name: data.get(name) for name in ("request_id", "decision_id")}
    return {
        "seq": stored.seq,
        "at_ns": stored.at_ns,
        "reason": reason,
        "actor": actor,
        **act,
        **ids,
    }


def correlation_view(beliefs: Beliefs, symbols: Sequence[str] | None) -> dict[str, Any]:
    """Correlation matrix in use, joint counts, alerts and the diversification score."""
    market, params = beliefs.market, beliefs.params.market
    if symbols is None:
        symbols = [s for s in market.symbols() if market.count(s) >= params.prior_weight]
    shown = list(dict.fromkeys(symbols))[:_SHOWN_SYMBOLS]
    if not shown:
        matrix, joint = np.empty((0, 0)), np.empty((0, 0), dtype=np.int64)
    else:
        matrix = beliefs.structure.of_one_side(shown)
        _, joint = market.correlations(shown)
    upper = np.argwhere(np.triu(matrix > params.alert_correlation, 1))
    return {
        "symbols": shown,
        "matrix": matrix.tolist(),
        "joint_returns": joint.tolist(),
        "prior_correlation": params.prior_correlation,
        "diversification_score": diversification_score(matrix),
        "alerts": [
            {"symbols": [shown[i], shown[j]], "correlation": float(matrix[i, j])}
            for i, j in upper.tolist()
        ],
    }


def records_view(beliefs: Beliefs) -> dict[str, dict[str, Any]]:
    """Show what outcomes have taught of each strategy, in volatilities over the horizon of claims.

    ``intercept`` is the edge without any claim, ``slope`` what a claimed volatility is worth;
    ``observations``, ``wins`` and ``losses`` are forgotten weights.
    """
    found = beliefs.records.records()
    record = calibrate(beliefs.records.gather(list(found)).sums, beliefs.params.kelly)
    return {
        name: {
            "outcomes": one.outcomes,
            "observations": sums.weight,
            "mean_outcome": sums.outcome / sums.weight if sums.weight else 0.0,
            "intercept": intercept,
            "slope": slope,
            "wins": sums.wins,
            "losses": sums.losses,
            "residuals": len(one.residuals),
            "miscoverage": one.miscoverage,
            "quantile": None if math.isnan(one.quantile) else one.quantile,
            "coverage": one.covered / one.judged if one.judged else None,
        }
        for (name, (one, sums)), intercept, slope in zip(
            found.items(), record.intercept.tolist(), record.slope.tolist(), strict=True
        )
    }


def beliefs_view(beliefs: Beliefs) -> dict[str, Any]:
    """Everything that was learnt, JSON-able."""
    market = beliefs.market
    return {
        "peak_portfolio_value": beliefs.peak_value,
        "regimes": {s: r.value for s, r in sorted(beliefs.regimes.current().items())},
        "regime_transitions": beliefs.regimes.transitions,
        "regime_false_flips": beliefs.regimes.false_flips,
        "strategies": records_view(beliefs),
        "conformal_coverage": beliefs.records.coverage(),
        "conformal_refused": beliefs.records.refused,
        "market": {
            symbol: {
                "last_price": market.last_price(symbol),
                "returns": market.count(symbol),
                "volatility": market.volatility(symbol),
            }
            for symbol in market.symbols()
        },
        "performance": beliefs.performance.report(),
    }
