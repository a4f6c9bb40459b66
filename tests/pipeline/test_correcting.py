"""An operator's corrections of the market: journalled, listed with who and why, replayed."""

from pathlib import Path

import pytest

from app.core.errors import UnknownSymbol
from app.core.params import BrakeParams, EngineParams
from app.core.types import Outcome
from app.pipeline.service import SizingService
from tests.pipeline.builders import START_NS, assert_replays, batch_of, service_on

WARY = EngineParams(brakes=BrakeParams(price_jump_from=0.5))


async def corrected(service: SizingService) -> None:
    """Decide, correct the market in every way, withdraw an outcome, decide again."""
    decided = await service.allocate(batch_of(0))
    decision = decided.answer["decision_id"]
    await service.learning.record_outcomes([Outcome("SYM0", 0.01, decision)])
    await service.learning.observe_prices(START_NS + 1, {"SYM1": 1.0})
    correcting = service.correcting
    accepted = await correcting.accept_price("SYM1", 50.0, "it fell", "ann")
    assert accepted["was"] == pytest.approx(batch_of(0).prices["SYM1"])
    assert (await correcting.split_symbol("SYM2", 2.0, "2 for 1", "bob"))["ratio"] == 2.0
    assert (await correcting.forget_symbol("SYM3", "delisted", "cid"))["bars"] == 0
    found = await service.learning.withdraw_outcomes([(decision, "SYM0")], "percent", "dot")
    assert found["withdrawn"] == 1
    await service.allocate(batch_of(3))


async def test_all_four_corrections_replay(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    service = service_on(path, WARY)
    await service.start()
    await corrected(service)
    state = service.beliefs.export()
    await service.stop()
    assert_replays(path, 2)
    again = service_on(path, WARY)
    await again.start()
    assert again.beliefs.export() == state
    await again.stop()


async def test_each_correction_is_listed_with_who_and_why(tmp_path: Path) -> None:
    service = service_on(tmp_path / "j.db", WARY)
    await service.start()
    await corrected(service)
    listed = (await service.showing.operations())["operations"]
    acts = [(entry["what"], entry["reason"], entry["actor"]) for entry in listed[:4]]
    assert acts == [
        ("withdraw", "percent", "dot"),
        ("forget", "delisted", "cid"),
        ("split", "2 for 1", "bob"),
        ("accept", "it fell", "ann"),
    ]
    assert [entry["value"] for entry in listed[1:4]] == ["SYM3", "SYM2 by 2", "SYM1 at 50"]
    assert listed[0]["value"].startswith("SYM0 of ")
    await service.stop()


async def test_an_unknown_symbol_changes_and_journals_nothing(tmp_path: Path) -> None:
    service = service_on(tmp_path / "j.db", WARY)
    await service.start()
    before = service.showing.state()["state_version"]
    for act in (
        service.correcting.accept_price("X", 1.0, "r", "ann"),
        service.correcting.split_symbol("X", 2.0, "r", "ann"),
        service.correcting.forget_symbol("X", "r", "ann"),
    ):
        with pytest.raises(UnknownSymbol):
            await act
    assert service.showing.state()["state_version"] == before
    await service.stop()
