"""The demo against the service itself: a few real days through the crash of March 2020."""

from datetime import date

from app.demo.play import Terms, play
from app.demo.scenario import prepare_scenario
from app.demo.summary import first_difference, summarise
from app.history.prices import load_stock_prices
from app.processes.service import running_service, silent_endpoint


def test_days_of_the_crash_break_no_promise_and_a_dead_endpoint_changes_no_bit() -> None:
    panel = load_stock_prices()
    first = panel.between(date(2020, 3, 6), None).start
    scenario = prepare_scenario(panel, slice(first, first + 8))
    with running_service({}) as client:
        phase2 = play(client, scenario, "Phase 2", terms=Terms())
    with silent_endpoint() as url:
        settings = {"HIMARI_ENABLE_RL": "true", "HIMARI_RL_ENDPOINT": url}
        with running_service(settings | {"HIMARI_RL_TIMEOUT_SEC": "0.05"}) as client:
            dead = play(client, scenario, "RL dead", terms=Terms())
    assert first_difference(phase2, dead) is None
    counted = summarise(phase2)
    assert counted.violations == ()
    assert counted.decisions == {"fallback: rl_disabled": 8}
    assert counted.brakes == {"MONITOR": 5, "REDUCE_50%": 1, "REDUCE_75%": 2}
    assert counted.utilization_pct_max > 0
    assert summarise(dead).decisions == {"fallback: timeout": 5, "fallback: circuit_open": 3}
