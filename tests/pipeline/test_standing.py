"""Standing signals over restarts: kept, ended, journalled, replayed."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.adapters.policy.mock import MockPolicyClient
from app.core.errors import JournalUnavailable
from app.core.params import EngineParams, SignalParams
from app.core.types import Batch
from app.pipeline.service import SizingService
from tests.pipeline.builders import (
    LONG_ONLY,
    SLOW_SHORTS,
    START_NS,
    FullJournal,
    assert_replays,
    batch_of,
    live,
    service_on,
)


def standing(params: EngineParams, valid_for_sec: float = 86_400.0) -> EngineParams:
    """Parameters with standing signals on."""
    return replace(params, signals=SignalParams(standing=True, valid_for_sec=valid_for_sec))


def part_of(step: int) -> Batch:
    """One strategy's signals of a step, as a layer posts that knows nothing of the others."""
    batch = batch_of(step, 8)
    mine = tuple(one for one in batch.signals if one.strategy_id == f"s{step % 4}")
    return replace(batch, signals=mine if step % 5 else ())


async def layers_post(service: SizingService, steps: range) -> None:
    """Decide on the posts of layers, some of which are ended by an operator."""
    for step in steps:
        await service.allocate(part_of(step))
        if step % 7 == 3:
            symbol = None if step % 2 else "SYM1"
            await service.standing.end(f"s{step % 3}", symbol, "a test", "risk")


async def started(path: Path, params: EngineParams, client: object = None) -> SizingService:
    """Start a service on a journal, its clock at the time of the batches."""
    service = service_on(path, params, client)  # type: ignore[arg-type]
    await service.start()
    return service


async def test_layers_that_post_on_their_own_replay_to_the_last_bit_over_restarts(
    tmp_path: Path,
) -> None:
    path = tmp_path / "himari.db"
    # the third life has signals of 10 ns, so that some end by themselves
    lives = [
        (standing(LONG_ONLY), None),
        (standing(SLOW_SHORTS), MockPolicyClient(seed=3)),
        (standing(SLOW_SHORTS, 1e-8), None),
        (SLOW_SHORTS, None),
        (standing(LONG_ONLY), None),
    ]
    for number, (params, client) in enumerate(lives):
        service = await started(path, params, client)
        await layers_post(service, range(number * 20, number * 20 + 20))
        await service.stop()
    assert_replays(path, 100)


async def test_lives_with_outcomes_and_switches_replay_with_standing_signals(
    tmp_path: Path,
) -> None:
    path = tmp_path / "himari.db"
    for number in range(2):
        service = await started(path, standing(SLOW_SHORTS), MockPolicyClient(seed=number))
        await live(service, range(number * 20, number * 20 + 20))
        await service.stop()
    assert_replays(path, 40)


@pytest.mark.parametrize("checkpointed", [True, False])
async def test_what_stands_survives_a_restart(
    tmp_path: Path,
    checkpointed: bool,  # noqa: FBT001 - a case
) -> None:
    path = tmp_path / "himari.db"
    service = await started(path, standing(LONG_ONLY))
    await layers_post(service, range(12))
    before = service.standing.in_force()
    assert len(before["signals"]) > 3
    if checkpointed:
        await service.stop()
    else:
        await service.world.journal.close()
    again = await started(path, standing(LONG_ONLY))
    assert again.standing.in_force() == before
    assert again.beliefs.export() == service.beliefs.export()
    await again.stop()


async def test_a_start_with_standing_signals_off_ends_them_all_and_journals_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "himari.db"
    service = await started(path, standing(LONG_ONLY))
    await service.allocate(batch_of(0))
    await service.stop()
    off = await started(path, LONG_ONLY)
    assert off.standing.count() == 0
    acts = (await off.showing.operations())["operations"]
    assert [
        (act["value"], act["reason"], act["actor"]) for act in acts if act["what"] == "signal"
    ] == [("ended s0/SYM0, s1/SYM1, s2/SYM2", "SIGNALS__STANDING is off", "start")]
    await off.stop()
    on = await started(path, standing(LONG_ONLY))
    assert on.standing.count() == 0
    answer = (await on.allocate(batch_of(1, signals=()))).answer
    assert answer["fallback_reason"] == "empty_batch"
    await on.stop()
    again = await started(path, LONG_ONLY)
    acts = (await again.showing.operations())["operations"]
    assert sum(act["what"] == "signal" for act in acts) == 1
    await again.stop()
    assert_replays(path, 2)


async def test_ended_signals_are_listed_with_who_and_why(tmp_path: Path) -> None:
    service = await started(tmp_path / "himari.db", standing(LONG_ONLY))
    await service.allocate(batch_of(0))
    assert service.standing.count() == 3
    assert await service.standing.end("s1", None, None, "desk") == {"ended": 1}
    assert await service.standing.end("s9", None, "no such one", "desk") == {"ended": 0}
    acts = (await service.showing.operations())["operations"]
    newest = acts[0]
    assert (newest["what"], newest["value"]) == ("signal", "ended s1/SYM1")
    assert (newest["reason"], newest["actor"]) == (None, "desk")
    await service.stop()


async def test_a_standing_signal_is_shown_with_its_source_and_its_end(tmp_path: Path) -> None:
    service = await started(tmp_path / "himari.db", standing(LONG_ONLY))
    batch = batch_of(0)
    await service.allocate(batch)
    first = service.standing.in_force()["signals"][0]
    assert first["symbol"] == "SYM0"
    assert first["source"] == "allocate"
    assert first["until_ns"] == START_NS + 86_400 * 10**9
    assert first["timestamp_ns"] == START_NS
    await service.stop()


async def test_nothing_ends_while_the_journal_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    journal = FullJournal(f"sqlite:///{path}")
    service = service_on(path, standing(LONG_ONLY), journal=journal)
    await service.start()
    await service.allocate(batch_of(0))
    journal.full = True
    with pytest.raises(JournalUnavailable):
        await service.standing.end("s1", None, None, "desk")
    assert service.standing.count() == 3
    journal.full = False
    await service.stop()
