"""The gauge of limits: every kind has its level, and names stay within their bound."""

import pytest

from app.adapters.telemetry.gauges import GaugeCollector
from app.adapters.telemetry.last_values import LastValues
from app.pipeline.answer import DecisionDetails, DecisionView

Budget = dict[str, dict[str, float]]


def used(gauges: GaugeCollector, last: LastValues, budget: Budget) -> Budget:
    """Show a risk budget (percent by level and identifier) and read it off the gauge."""
    rows = [
        {"level": level, "identifier": name, "utilization_pct": percent}
        for level, names in budget.items()
        for name, percent in names.items()
    ]
    details = DecisionDetails(0.0, 1.0, {}, rows)
    last.view = DecisionView({}, {}, rl_enabled=False, details=lambda: details)
    found: Budget = {}
    for family in gauges.collect():
        if family.name == "himari_l3_risk_budget_utilization_pct":
            for one in family.samples:
                found.setdefault(one.labels["level"], {})[one.labels["identifier"]] = one.value
    return found


def many(level: str, count: int) -> dict[str, float]:
    return {f"{level}{number}": float(number) for number in range(count)}


@pytest.fixture
def last() -> LastValues:
    return LastValues()


@pytest.fixture
def gauges(last: LastValues) -> GaugeCollector:
    return GaugeCollector(last)


def test_a_groups_use_is_shown_beside_the_others(gauges: GaugeCollector, last: LastValues) -> None:
    budget = {
        "position": {"BTC-USD": 50.0},
        "strategy": {"carry": 40.0},
        "group": {"majors": 100.0, "alts": 3.0},
        "portfolio": {"portfolio": 20.0},
    }
    shown = used(gauges, last, budget)
    assert shown.pop("portfolio") == {"portfolio": 20.0}
    assert shown == {
        level: {**names, "other": 0.0} for level, names in budget.items() if level != "portfolio"
    }


@pytest.mark.parametrize(("groups", "each"), [(0, 24), (3, 16), (100, 16)])
def test_kinds_share_the_50_names_of_the_label(
    gauges: GaugeCollector, last: LastValues, groups: int, each: int
) -> None:
    counts = {"position": 500, "strategy": 300, "group": groups}
    shown = used(gauges, last, {level: many(level, count) for level, count in counts.items()})
    names = {name for level in shown.values() for name in level}
    assert len(names) <= 50
    assert {level: len(shown[level].keys() - {"other"}) for level in counts} == {
        level: min(count, each) for level, count in counts.items()
    }
    assert shown["position"]["other"] == 499.0


def test_groups_that_come_when_all_names_are_given_are_others(
    gauges: GaugeCollector, last: LastValues
) -> None:
    budget: Budget = {"position": many("position", 100), "strategy": many("strategy", 100)}
    used(gauges, last, budget)
    shown = used(gauges, last, {**budget, "group": {"majors": 90.0}})
    assert shown["group"] == {"other": 90.0}
    assert len({name for level in shown.values() for name in level}) == 50


def test_before_the_first_decision_no_limit_is_in_use(
    gauges: GaugeCollector, last: LastValues
) -> None:
    shown = used(gauges, last, {})
    assert {value for level in shown.values() for value in level.values()} == {0.0}
    assert shown.keys() == {"position", "strategy", "group", "portfolio"}
