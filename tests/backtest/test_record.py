"""The record holds what the policy would have been sent, on every decision day."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.backtest.options import BacktestOptions
from app.backtest.record import TrainingRecord
from app.backtest.session import Backtest
from app.backtest.simulate import Terms, simulate
from app.backtest.sizer import Sizer
from app.backtest.tape import Tape
from app.core.params import EngineParams, LimitParams, TradingParams
from app.core.types import DIRECTION, FallbackReason, PolicyInput, Prediction
from app.settings import Settings
from tests.backtest.panels import gappy
from tests.fakes import FakePolicyClient
from tests.history.panels import random_walk

TAPE = Tape(gappy())
ROWS = range(TAPE.first_row, 419)
UNSURE = Prediction(0.05, 0.0, 0.0, 0.01, "unsure-1")


def recorded(params: EngineParams, client: FakePolicyClient | None) -> dict[str, Any]:
    # every symbol has a signal on every day, so that nothing is held beside them: what is held,
    # and whose it is, takes room, and with a policy other positions are held
    tape = Tape(random_walk(420, 4))
    rows = range(tape.first_row, 419)
    record = TrainingRecord(tape, params)
    sizer = Sizer(params, client, note=record.note)
    asyncio.run(simulate(sizer, tape, rows, Terms(100_000.0, 5.0)))
    return record.arrays(rows)


def params_of(*, short: bool) -> EngineParams:
    limits, trading = LimitParams(allow_short=short), TradingParams(rebalance_span=10.0)
    return EngineParams(limits=limits, trading=trading)


@pytest.fixture(params=[False, True], ids=["long_flat", "long_short"], scope="module")
def short(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def asked_and_recorded(*, short: bool) -> tuple[list[tuple[PolicyInput, ...]], dict[str, Any]]:
    # a policy without confidence leaves every decision to Phase 2
    client = FakePolicyClient(answer=UNSURE)
    params = params_of(short=short)
    record = TrainingRecord(TAPE, params)
    sizer = Sizer(params, client, note=record.note)
    asyncio.run(simulate(sizer, TAPE, ROWS, Terms(100_000.0, 5.0)))
    assert set(sizer.decisions.values()) == {FallbackReason.LOW_CONFIDENCE.value}
    return client.asked, record.arrays(ROWS)


def test_every_signal_sent_is_recorded_and_nothing_else(
    asked_and_recorded: tuple[list[tuple[PolicyInput, ...]], dict[str, Any]],
) -> None:
    asked, arrays = asked_and_recorded
    assert len(asked) == len(arrays["row"])
    column_of = {symbol: column for column, symbol in enumerate(arrays["symbols"].tolist())}
    for sent, *columns in zip(
        asked,
        arrays["direction"],
        arrays["confidence"],
        arrays["expected_return"],
        arrays["predicted_volatility"],
        strict=True,
    ):
        ours = sorted(
            (column, *(float(each[column, place]) for each in columns))
            for column, place in zip(*np.nonzero(np.isfinite(columns[0])), strict=True)
        )
        theirs = sorted(
            (
                column_of[row.symbol],
                DIRECTION[row.action],
                row.confidence,
                row.expected_return,
                row.predicted_volatility,
            )
            for row in sent
        )
        assert ours == theirs


def test_the_baseline_recorded_is_the_baseline_sent(
    asked_and_recorded: tuple[list[tuple[PolicyInput, ...]], dict[str, Any]],
) -> None:
    asked, arrays = asked_and_recorded
    column_of = {symbol: column for column, symbol in enumerate(arrays["symbols"].tolist())}
    for sent, baseline in zip(asked, arrays["baseline"], strict=True):
        named = {column_of[row.symbol]: row.baseline_pct for row in sent}
        expected = [named.get(column, 0.0) for column in range(len(column_of))]
        assert baseline.tolist() == expected
    assert np.abs(arrays["baseline"]).max() > 0.0


def test_returns_on_the_wire_follow_from_the_recorded_closes(
    asked_and_recorded: tuple[list[tuple[PolicyInput, ...]], dict[str, Any]],
) -> None:
    asked, arrays = asked_and_recorded
    for sent, row in zip(asked[::10], arrays["row"][::10], strict=True):
        for signal in sent:
            column = arrays["symbols"].tolist().index(signal.symbol)
            closes = arrays["closes"][: row + 1, column]
            closes = closes[np.isfinite(closes)]
            expected = (closes[1:] / closes[:-1] - 1.0)[-256:]
            np.testing.assert_array_equal(signal.returns, expected)


def test_shares_are_those_of_owners_on_the_symbols_side(
    asked_and_recorded: tuple[list[tuple[PolicyInput, ...]], dict[str, Any]],
) -> None:
    _, arrays = asked_and_recorded
    share, side = arrays["share"], np.sign(arrays["baseline"])
    total = share.sum(axis=2)
    np.testing.assert_allclose(total[side != 0.0], 1.0, rtol=1e-12)
    against = np.nan_to_num(arrays["direction"]) * side[:, :, np.newaxis] < 0.0
    assert not share[against].any()


def test_asking_a_policy_changes_nothing_that_is_recorded_beside_no_held_position() -> None:
    params = params_of(short=True)
    without = recorded(params, None)
    answered = recorded(params, FakePolicyClient(answer=replace(UNSURE, confidence=0.9)))
    assert without.keys() == answered.keys()
    for name in without:
        np.testing.assert_array_equal(without[name], answered[name])


def test_the_file_reads_without_pickle_and_covers_the_window(tmp_path: Path) -> None:
    options = BacktestOptions(
        prices=tmp_path / "x.csv",
        json_path=tmp_path / "x.json",
        record_path=tmp_path / "x.npz",
        short=True,
        span=7.0,
        only=("equal_weight",),
    )
    assert options.names == ("equal_weight", "kelly_smoothed")
    tape = Tape(random_walk(360, 3))
    backtest = Backtest(tape, options, Settings(max_position_pct=0.2))
    played, _ = backtest.play("kelly_smoothed")
    assert played is not None
    assert backtest.record is not None
    backtest.record.write(tmp_path / "x.npz", backtest.rows)
    with np.load(tmp_path / "x.npz", allow_pickle=False) as file:
        arrays = dict(file)
    days, symbols, strategies = len(backtest.rows), 3, 4
    assert arrays["row"].tolist() == list(backtest.rows)
    assert arrays["closes"].shape == (360, symbols)
    assert arrays["dates"].tolist() == tape.panel.dates[arrays["row"]].tolist()
    assert arrays["baseline"].shape == (days, symbols)
    assert arrays["share"].shape == arrays["direction"].shape == (days, symbols, strategies)
    settings = json.loads(str(arrays["settings"]))
    assert settings["allow_short"] is True
    assert (settings["span"], settings["max_position_pct"]) == (7.0, 0.2)
    assert settings["kelly_fraction"] == 0.25
