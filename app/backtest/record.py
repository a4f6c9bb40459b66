"""What training reads: each day's Phase 2 and the signals behind it, as the policy would see them.

The file is a compressed ``.npz`` without pickled objects. T days, N symbols, K strategies, D rows
of the whole price panel:

========================  =========  =========================================================
``dates``                 (T,)       datetime64[D], the decision days, ascending
``symbols``               (N,)       text, in the order of the price file
``strategies``            (K,)       text
``closes``                (D, N)     the whole panel, NaN where there is no price
``panel_dates``           (D,)       datetime64[D] of its rows
``row``                   (T,)       int64, row of each decision day in ``closes``
``baseline``              (T, N)     signed Phase 2 weight at cascade multiplier 1, before
                                     smoothing: ``baseline_pct``; 0 without a directional signal
``share``                 (T, N, K)  part of the symbol's weight that the strategy owns, 0 to 1
``direction``             (T, N, K)  +1 or -1; NaN where the policy is sent no signal
``confidence``            (T, N, K)  as on the wire, NaN likewise
``expected_return``       (T, N, K)  same, per day
``predicted_volatility``  (T, N, K)  same, per day
``settings``              ()         JSON text: caps, ``allow_short``, ``kelly_fraction``, ``span``
========================  =========  =========================================================

``risk_score``, ``regime`` and ``returns`` on the wire follow from ``closes``: see ``tape.py``.
Nothing here depends on a learned policy, on costs, or on what was traded.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.backtest.tape import MarketDay, Tape
from app.core.decision.draft import Draft
from app.core.params import EngineParams
from app.core.phase1 import Phase1
from app.core.signals import SignalTable
from app.core.types import FloatArray

WIRE_FIELDS: Final = ("direction", "confidence", "expected_return", "predicted_volatility")


@dataclass(frozen=True, slots=True)
class _Noted:
    row: int
    baseline: FloatArray
    share: FloatArray
    wire: dict[str, FloatArray]


@dataclass(slots=True)
class TrainingRecord:
    """Collects decisions; give ``note`` to a `Sizer`."""

    tape: Tape
    params: EngineParams
    _days: list[_Noted] = field(default_factory=list)
    _column_of: dict[str, int] = field(init=False)
    _place_of: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        """Give symbols and strategies their numbers."""
        self._column_of = _numbered(self.tape.panel.symbols)
        self._place_of = _numbered(self.tape.strategies)

    def note(self, day: MarketDay, drafted: Draft) -> None:
        """Keep one decision."""
        table, portfolio = drafted.observed.table, drafted.portfolio
        columns = np.array([self._column_of[name] for name in table.symbols], dtype=np.int64)
        places = np.array([self._place_of[name] for name in table.strategies], dtype=np.int64)
        at = (columns[table.symbol_of], places[table.strategy_of])
        baseline = np.zeros(len(self._column_of))
        baseline[columns[portfolio.symbol_index]] = portfolio.side * portfolio.weights
        share = np.zeros((len(self._column_of), len(self._place_of)))
        share[at] = portfolio.share
        wire = {name: np.full(share.shape, np.nan) for name in WIRE_FIELDS}
        sent = table.direction != 0.0
        for name, values in _wire_columns(table, drafted.phase1).items():
            wire[name][at[0][sent], at[1][sent]] = values[sent]
        self._days.append(_Noted(day.row, baseline, share, wire))

    def arrays(self, rows: range) -> dict[str, Any]:
        """Everything noted on these rows of the panel, as the module describes it."""
        days = [noted for noted in self._days if noted.row in rows]
        row = np.array([noted.row for noted in days], dtype=np.int64)
        panel = self.tape.panel
        columns = {name: np.array([noted.wire[name] for noted in days]) for name in WIRE_FIELDS}
        return {
            "dates": panel.dates[row],
            "symbols": np.array(panel.symbols),
            "strategies": np.array(self.tape.strategies),
            "closes": panel.closes,
            "panel_dates": panel.dates,
            "row": row,
            "baseline": np.array([noted.baseline for noted in days]),
            "share": np.array([noted.share for noted in days]),
            **columns,
            "settings": np.array(json.dumps(recorded_settings(self.params), sort_keys=True)),
        }

    def write(self, path: Path, rows: range) -> None:
        """Write what was noted on these rows."""
        with path.open("wb") as file:
            np.savez_compressed(file, **self.arrays(rows))


def recorded_settings(params: EngineParams) -> dict[str, Any]:
    """Numbers that training needs to repeat limits and smoothing."""
    limits = params.limits
    return {
        "max_position_pct": limits.max_position_pct,
        "max_strategy_pct": limits.max_strategy_pct,
        "max_portfolio_pct": limits.max_portfolio_pct,
        "allow_short": limits.allow_short,
        "kelly_fraction": params.kelly.fraction,
        "span": params.trading.rebalance_span,
        "history": params.market.history,
        "min_confidence": params.blend.min_confidence,
        "settings_hash": params.digest(),
    }


def _numbered(names: Sequence[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def _wire_columns(table: SignalTable, phase1: Phase1) -> dict[str, FloatArray]:
    return {
        "direction": table.direction,
        "confidence": table.confidence,
        "expected_return": phase1.claims.expected_return,
        "predicted_volatility": phase1.volatility,
    }
