"""Marking, trading, costs and delay, by hand."""

import asyncio
from collections.abc import Mapping

import numpy as np
import pytest

from app.backtest.simulate import PortfolioRuined, Run, Terms, simulate
from app.backtest.tape import MarketDay, Tape
from tests.backtest.panels import with_prices
from tests.history.panels import random_walk

PANEL = random_walk(310, 2)
TAPE = Tape(PANEL)
CLOSES = PANEL.closes
ROWS = range(300, 303)


class Scripted:
    """Wants the next quantities of a list each day, and remembers what it was shown."""

    def __init__(self, *wanted: dict[str, float]) -> None:
        self.wanted = list(wanted)
        self.shown: list[tuple[float, dict[str, float]]] = []
        self.watched: list[int] = []
        self.learnt: list[int] = []
        self.closed = False

    async def targets(
        self, day: MarketDay, value_usd: float, held: Mapping[str, float]
    ) -> Mapping[str, float]:
        assert day.row not in self.learnt
        self.shown.append((value_usd, dict(held)))
        return self.wanted.pop(0)

    def watch(self, day: MarketDay) -> None:
        self.watched.append(day.row)

    def learn(self, day: MarketDay) -> None:
        self.learnt.append(day.row)

    async def close(self) -> None:
        self.closed = True


def played(policy: Scripted, terms: Terms, tape: Tape = TAPE) -> Run:
    return asyncio.run(simulate(policy, tape, ROWS, terms))


def test_a_trade_is_made_at_its_own_close_and_pays_its_notional() -> None:
    policy = Scripted({"S00": 100.0}, {"S00": 100.0}, {"S00": 40.0})
    run = played(policy, Terms(100_000.0, 10.0))
    bought = 100.0 * CLOSES[300, 0]
    cash = 100_000.0 - bought - 1e-3 * bought
    sold = 60.0 * CLOSES[302, 0]
    last = cash + sold - 1e-3 * sold + 40.0 * CLOSES[303, 0]
    expected = [100_000.0, cash + 100.0 * CLOSES[301, 0], cash + 100.0 * CLOSES[302, 0], last]
    assert run.equity_usd.tolist() == pytest.approx(expected, rel=1e-12)
    assert run.traded_usd.tolist() == pytest.approx([bought, 0.0, sold])
    assert policy.shown[1][0] == pytest.approx(expected[1])
    assert policy.shown[1][1] == {"S00": 100.0}


def test_with_delay_a_decision_is_traded_at_the_next_close_before_the_next_decision() -> None:
    policy = Scripted({"S00": 100.0}, {"S00": 0.0}, {})
    run = played(policy, Terms(100_000.0, 10.0, delay=1))
    bought, sold = 100.0 * CLOSES[301, 0], 100.0 * CLOSES[302, 0]
    assert run.traded_usd.tolist() == pytest.approx([0.0, bought, sold])
    assert [held for _, held in policy.shown] == [{}, {"S00": 100.0}, {}]
    # the second decision knows what its trade cost
    assert policy.shown[1][0] == pytest.approx(100_000.0 - 1e-3 * bought)
    assert run.equity_usd[1] == 100_000.0
    assert run.equity_usd[3] == pytest.approx(100_000.0 + sold - bought - 1e-3 * (sold + bought))


def test_returns_equal_weights_times_price_changes_less_costs() -> None:
    wanted = [{"S00": 200.0, "S01": -150.0}, {"S01": 80.0}, {"S00": -20.0}]
    run = played(Scripted(*wanted), Terms(100_000.0, 7.0))
    change = CLOSES[301:304] / CLOSES[300:303] - 1.0
    kept = 1.0 - run.cost_pct
    expected = kept * (1.0 + (run.weights * change).sum(axis=1)) - 1.0
    np.testing.assert_allclose(run.returns, expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(run.cost_pct, 7e-4 * run.turnover, rtol=1e-12)


def test_a_policy_sees_every_earlier_day_and_learns_each_day_before_the_next() -> None:
    policy = Scripted({}, {}, {})
    played(policy, Terms(1.0, 0.0))
    assert policy.watched == list(range(300))
    assert policy.learnt == list(ROWS)
    assert policy.closed


def test_without_outcomes_a_policy_learns_nothing() -> None:
    policy = Scripted({}, {}, {})
    played(policy, Terms(1.0, 0.0, outcomes=False))
    assert policy.learnt == []


def test_cutting_the_first_days_off_changes_no_return_and_starts_with_the_same_equity() -> None:
    run = played(Scripted({"S00": 100.0}, {"S00": 50.0}, {"S00": 70.0}), Terms(100_000.0, 10.0))
    late = run.since(301)
    np.testing.assert_allclose(late.returns, run.returns[1:], rtol=1e-12)
    np.testing.assert_allclose(late.turnover, run.turnover[1:], rtol=1e-12)
    assert late.equity_usd[0] == 100_000.0
    assert late.rows == range(301, 303)


def test_losing_everything_ends_in_a_sentence() -> None:
    closes = CLOSES.copy()
    closes[302:, 0] *= 10.0
    policy = Scripted({"S00": -500.0}, {}, {})
    with pytest.raises(PortfolioRuined, match=r"lost everything by 2018-10-30, was -\d+\.\d\d USD"):
        played(policy, Terms(100_000.0, 10.0), Tape(with_prices(PANEL, closes)))
