"""A limit that binds is in the risk budget, whatever its kind, and gives a notice."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core.params import EngineParams, LimitParams
from app.core.types import Action, Signal
from app.pipeline.notices import Thresholds, Watch
from tests.pipeline.builders import START_NS, batch_of, service_on

SYMBOLS = [f"SYM{place}" for place in range(8)]


def buys() -> tuple[Signal, ...]:
    """Make two strategies want far more of every symbol than any limit allows."""
    (wish,) = batch_of(0, 1).signals
    return tuple(
        replace(
            wish, strategy_id=f"s{place % 2}", symbol=symbol, action=Action.BUY, confidence=0.9,
            expected_return=0.02, predicted_volatility=0.02, timestamp_ns=START_NS,
        )
        for place, symbol in enumerate(SYMBOLS)
    )  # fmt: skip


def limits_that_bind() -> Iterator[tuple[str, str, LimitParams]]:
    yield "position", "SYM0", LimitParams(max_position_pct=0.05)
    yield "strategy", "s0", LimitParams(max_strategy_pct=0.2)
    pair = {"pair": ("SYM0", "SYM1")}
    yield "group", "pair", LimitParams(group_caps={"pair": 0.05}, groups=pair)
    yield "portfolio", "portfolio", LimitParams(max_portfolio_pct=0.3)


@pytest.mark.parametrize(("level", "identifier", "limits"), list(limits_that_bind()))
@pytest.mark.parametrize("held", [False, True], ids=["wanted", "held"])
async def test_a_limit_that_binds_is_full_in_the_risk_budget_and_gives_a_notice(
    tmp_path: Path, level: str, identifier: str, limits: LimitParams, *, held: bool
) -> None:
    service = service_on(tmp_path / "himari.db", replace(EngineParams(), limits=limits))
    await service.start()
    signals: tuple[Signal, ...] = buys()
    positions: dict[str, float] = {}
    if held:
        signals = tuple(replace(signal, action=Action.HOLD) for signal in signals)
        positions = dict.fromkeys(SYMBOLS, 300.0)
    batch = replace(batch_of(0, 8), signals=signals, positions=positions)
    answer = (await service.allocate(batch)).answer
    bound = {(entry["limit"], entry["id"]): entry for entry in answer["binding_limits"]}
    budget: dict[tuple[str, str], dict[str, Any]] = {
        (row["level"], row["identifier"]): row for row in service.showing.risk_budget()["limits"]
    }
    await service.stop()

    assert (level, identifier) in bound
    assert bound.keys() <= budget.keys()
    row = budget[level, identifier]
    assert row["limit_usd"] == pytest.approx(bound[level, identifier]["limit_usd"])
    assert row["utilization_pct"] == pytest.approx(100.0)
    notice = Watch(Thresholds(limit_near_pct=99.9)).limits([row])
    assert notice is not None
    assert f"{level} {identifier}" in notice.text
