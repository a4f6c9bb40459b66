"""One run against a fake service: what is sent, carried, counted and compared."""

from dataclasses import replace

import httpx
import numpy as np
import pytest

from app.core.types import JsonObject
from app.demo.play import PlayedRun, Terms, UnexpectedStatus, play
from app.demo.scenario import ScenarioEmpty, prepare_scenario
from app.demo.summary import equity_of, first_difference, summarise, summarise_equity
from app.history.account import Ledger, equal_weight_equity
from tests.demo.days import PANEL, SCENARIO
from tests.demo.fake_service import FakeService, client_of


def played(service: FakeService, name: str = "run") -> PlayedRun:
    with client_of(service) as client:
        return play(client, SCENARIO, name, terms=Terms())


def test_a_day_sends_every_strategy_on_every_symbol_with_its_close_and_timestamp() -> None:
    service = FakeService()
    played(service)
    request = service.requests[3]
    assert len(request["signals"]) == 15
    assert {signal["timestamp_ns"] for signal in request["signals"]} == {
        SCENARIO.days[3].timestamp_ns
    }
    assert request["current_prices"]["S01"] == PANEL.closes[543, 1]


def test_positions_are_carried_and_value_is_marked_to_market_less_costs() -> None:
    service = FakeService()
    run = played(service)
    first, second = service.requests[:2]
    assert first["current_positions"] == {}
    assert first["portfolio_value"] == 100_000.0
    targets = {p["symbol"]: p["target_quantity"] for p in run.days[0].answer["positions"]}
    held = {symbol: quantity for symbol, quantity in targets.items() if quantity}
    assert second["current_positions"] == held
    gain = sum(
        quantity * (second["current_prices"][symbol] - first["current_prices"][symbol])
        for symbol, quantity in held.items()
    )
    expected = 100_000.0 + gain - 5e-4 * run.days[0].traded_usd
    assert second["portfolio_value"] == pytest.approx(expected, rel=1e-12)


def test_outcomes_are_each_symbols_own_close_to_close_return() -> None:
    service = FakeService()
    run = played(service)
    assert run.outcomes_accepted == len(service.outcomes) == 15 * 5
    outcome = service.outcomes[5]
    assert outcome["decision_id"] == "d2"
    expected = PANEL.closes[542, 0] / PANEL.closes[541, 0] - 1
    assert outcome["realized_return"] == pytest.approx(expected, rel=1e-12)


def test_broken_limits_are_counted_and_do_not_end_the_run() -> None:
    def break_totals(reply: JsonObject) -> None:
        reply["total_allocated_usd"] += 1.0

    summary = summarise(played(FakeService(spoil=break_totals)))
    assert summary.days == 15
    assert len(summary.violations) == 15
    assert "total allocated must be" in summary.violations[0]


def test_anything_else_than_200_ends_the_run_with_the_day_and_the_answer() -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(422, text="was 7"))
    with (
        httpx.Client(base_url="http://fake", transport=transport) as client,
        pytest.raises(UnexpectedStatus, match=r"POST /allocate of .* was 422: was 7"),
    ):
        play(client, replace(SCENARIO, history=()), "run", terms=Terms())


def test_the_closes_of_the_year_before_are_told_once_before_the_first_day() -> None:
    service = FakeService()
    played(service)
    assert len(service.closes) == 257
    assert service.closes[0]["prices"]["S03"] == PANEL.closes[540 - 257, 3]
    assert service.closes[-1]["prices"]["S03"] == PANEL.closes[539, 3]
    times = [closes["timestamp_ns"] for closes in service.closes]
    assert times == sorted(set(times))
    assert times[-1] < SCENARIO.days[0].timestamp_ns
    assert len(prepare_scenario(PANEL, slice(100, 400)).history) == 100


def test_days_on_which_the_policy_abstained_are_counted_by_its_own_reason() -> None:
    assert played(FakeService(mode="real")).abstained == {}
    said = "too little history: 3 of 250 returns"
    run = played(FakeService(mode="real", abstains=True, opinion=said))
    assert run.abstained == {said: 15, "none given": 15}
    assert summarise(run).decisions == {"fallback: low_confidence": 15}


def test_reasons_that_differ_after_the_colon_are_counted_together_once_a_day() -> None:
    service = FakeService(mode="real", abstains=True)

    def respond(request: httpx.Request) -> httpx.Response:
        status, body = service.answer(request.method, request.url.path, request.content)
        if "/decisions/" in request.url.path:
            number = int(request.url.path.rpartition("d")[2])
            said = [{"reason": f"too little history: {number + more}"} for more in (0, 1)]
            body = {"policy": {"predictions": said}}
        return httpx.Response(status, json=body)

    with httpx.Client(base_url="http://fake", transport=httpx.MockTransport(respond)) as client:
        run = play(client, SCENARIO, "run", terms=Terms())
    assert run.abstained == {"too little history": 15}


def test_outcomes_not_accepted_end_the_run() -> None:
    service = FakeService()

    def respond(request: httpx.Request) -> httpx.Response:
        status, body = service.answer(request.method, request.url.path, request.content)
        return httpx.Response(status, json=body | {"accepted": 0})

    transport = httpx.MockTransport(respond)
    with (
        httpx.Client(base_url="http://fake", transport=transport) as client,
        pytest.raises(UnexpectedStatus, match="must accept 5 outcomes"),
    ):
        play(client, SCENARIO, "run", terms=Terms())


def test_a_dead_endpoint_run_equals_phase_2_and_a_changed_bit_is_found() -> None:
    phase2, dead = played(FakeService(), "Phase 2"), played(FakeService(mode="real"), "RL dead")
    assert first_difference(phase2, dead) is None
    assert summarise(dead).decisions == {"fallback: circuit_open": 10, "fallback: timeout": 5}
    day = dead.days[7]
    symbol, usd = next(iter(day.answer["allocations"].items()))
    spoilt = day.answer | {
        "allocations": day.answer["allocations"] | {symbol: np.nextafter(usd, 9e9)}
    }
    days = (*dead.days[:7], replace(day, answer=spoilt), *dead.days[8:])
    difference = first_difference(phase2, replace(dead, days=days))
    assert difference is not None
    assert f"{day.day}: allocations of {symbol}" in difference


def test_the_last_row_of_a_panel_is_never_decided_on() -> None:
    scenario = prepare_scenario(PANEL, slice(550, 560))
    assert len(scenario.days) == 9
    assert scenario.last_prices["S00"] == PANEL.closes[559, 0]
    for window in (slice(559, 560), slice(10, 10), slice(0, 20)):
        with pytest.raises(ScenarioEmpty):
            prepare_scenario(PANEL, window)


def test_a_symbol_without_a_price_is_left_out_of_the_day() -> None:
    closes = PANEL.closes.copy()
    closes[545, 2] = np.nan
    scenario = prepare_scenario(replace(PANEL, closes=closes), slice(544, 547))
    assert "S02" not in scenario.days[1].prices
    assert all(signal["symbol"] != "S02" for signal in scenario.days[1].signals)
    assert "S02" not in scenario.days[0].next_returns


def test_a_trade_costs_basis_points_of_its_absolute_notional() -> None:
    ledger = Ledger(1000.0, 5.0)
    assert ledger.trade_to({"A": 10.0}, {"A": 50.0}) == 500.0
    assert ledger.cash_usd == pytest.approx(500.0 - 0.25)
    assert ledger.trade_to({"A": 0.0}, {"A": 60.0}) == 600.0
    assert ledger.cash_usd == pytest.approx(1100.0 - 0.25 - 0.30)
    assert ledger.quantities == {}


def test_equal_weight_without_costs_earns_the_mean_return() -> None:
    closes = PANEL.closes[:50]
    equity = equal_weight_equity(closes, 100.0, 0.0)
    mean = (closes[1:] / closes[:-1] - 1).mean(axis=1)
    np.testing.assert_allclose(equity, 100.0 * np.concatenate(([1.0], np.cumprod(1 + mean))))
    assert equal_weight_equity(closes, 100.0, 5.0)[-1] < equity[-1]


def test_equity_figures_are_those_of_a_curve_worked_by_hand() -> None:
    figures = summarise_equity(np.array([100.0, 110.0, 99.0, 108.9]))
    assert figures.total_return == pytest.approx(0.089)
    assert figures.max_drawdown == pytest.approx(0.10)
    returns = np.array([0.1, -0.1, 0.1])
    assert figures.sharpe == pytest.approx(returns.mean() / returns.std() * 252**0.5)
    assert summarise_equity(np.array([100.0, 100.0])).sharpe == 0.0


def test_equity_begins_with_the_first_day_and_ends_with_the_last_close() -> None:
    run = played(FakeService())
    equity = equity_of(run)
    assert len(equity) == 16
    assert equity[0] == 100_000.0
    assert equity[-1] == run.final_equity_usd
