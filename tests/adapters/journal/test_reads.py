"""Queries of the journal find what is stored, whatever the names and numbers."""

import random
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from app.adapters.journal.memory import MemoryJournal
from app.adapters.journal.reads import place_of, split_place
from app.pipeline.ports import DecisionQuery
from tests.adapters.journal.journal_events import (
    DAY_NS,
    SECOND_NS,
    START_NS,
    answer,
    decision_event,
    engine_url,
    event,
    opened,
    seqs,
)


def _random_decisions(rng: random.Random, count: int) -> list[Any]:
    return [
        decision_event(
            seq,
            f"decision-{seq}",
            strategy=rng.choice(("rl", "fallback")),
            fallback_reason=rng.choice((None, "timeout", "overloaded")),
            symbols=tuple(rng.sample(("A", "B", "C", "D"), rng.randint(0, 3))),
            strategies=tuple(rng.sample(("m1", "m2", "m3"), rng.randint(0, 2))),
            at_ns=START_NS + (seq // 2) * SECOND_NS,
        )
        for seq in range(1, count + 1)
    ]


def _random_query(rng: random.Random) -> DecisionQuery:
    def maybe(*values: Any) -> Any:
        return rng.choice((None, None, *values))

    return DecisionQuery(
        limit=rng.choice((1, 5, 100)),
        before_seq=maybe(1, 17, 40, 41, 500),
        strategy=maybe("rl", "fallback", "none such"),
        fallback_reason=maybe("timeout", "overloaded"),
        symbol=maybe("A", "B", "E"),
        strategy_id=maybe("m1", "m2"),
        since_ns=maybe(START_NS, START_NS + 9 * SECOND_NS),
        until_ns=maybe(START_NS + 12 * SECOND_NS, START_NS + 40 * SECOND_NS),
    )


async def test_every_filter_finds_what_a_plain_scan_finds(journal_url: str) -> None:
    rng = random.Random(7)
    scanned = MemoryJournal()
    async with opened(journal_url) as journal:
        for made in _random_decisions(rng, 60):
            await scanned.append(made)
            last = journal.append(made)
        await last
        for _ in range(100):
            query = _random_query(rng)
            assert await journal.decisions(query) == await scanned.decisions(query), query


async def test_paging_returns_each_decision_of_all_streams_once(postgres_url: str) -> None:
    async with opened(postgres_url) as one, opened(postgres_url) as two:
        for seq in range(1, 21):
            await one.append(decision_event(seq, f"one-{seq}"))
            await two.append(decision_event(seq, f"two-{seq}"))
        met: list[int] = []
        query = DecisionQuery(limit=7)
        while page := await one.decisions(query):
            met += [stored.seq for stored in page]
            query = DecisionQuery(limit=7, before_seq=page[-1].seq)
    assert len(met) == len(set(met)) == 40
    assert [split_place(place) for place in met[:3]] == [(1, 20), (0, 20), (1, 19)]


async def test_a_decision_is_found_by_its_id(journal_url: str) -> None:
    async with opened(journal_url) as journal:
        await journal.append(decision_event(1, "a", payload=lambda: b"{1}"))
        found = await journal.decision("a")
        assert found is not None
        assert (found.seq, found.kind, found.payload) == (1, "decision", b"{1}")
        assert await journal.decision("b") is None


@pytest.mark.parametrize("huge", [2**63, 10**30, -(10**30)])
async def test_integers_beyond_64_bits_match_as_their_size_says(
    journal_url: str, huge: int
) -> None:
    async with opened(journal_url) as journal:
        await journal.append(decision_event(1, "a", answer=answer("k", START_NS)))
        above = huge > 0
        assert bool(await journal.decisions(DecisionQuery(before_seq=huge))) is above
        assert bool(await journal.decisions(DecisionQuery(until_ns=huge))) is above
        assert bool(await journal.decisions(DecisionQuery(since_ns=huge))) is not above
        assert bool(await journal.decisions(DecisionQuery(limit=huge))) is above
        assert bool(await journal.events_after(huge, 10)) is not above
        assert (await journal.stored_answer("desk", "k", huge) is None) is above


@pytest.mark.parametrize(
    "name", ["BTC\x00USD", "lone \ud800", "\U0001f4b0" * 3000, "x" * 9000, "'"]
)
async def test_any_text_can_be_a_name(journal_url: str, name: str) -> None:
    async with opened(journal_url) as journal:
        await journal.append(
            decision_event(
                1,
                name,
                symbols=(name, name),
                strategies=(name,),
                model_version=name,
                outcomes=((name, name),),
                answer=answer(name, START_NS, owner=name),
            )
        )
        assert await journal.decision(name) is not None
        assert len(await journal.decisions(DecisionQuery(symbol=name, strategy_id=name))) == 1
        assert await journal.known_outcomes([(name, name), (name, "y")]) == {(name, name)}
        stored = await journal.stored_answer(name, name, START_NS)
        assert stored is not None
        assert (stored.owner, stored.key) == (name, name)


async def test_an_outcome_journalled_twice_counts_once_and_raises_nothing(journal_url: str) -> None:
    async with opened(journal_url) as journal:
        await journal.append(event(1, outcomes=(("d1", "A"), ("d1", "B"), ("d1", "A"))))
        await journal.append(event(2, outcomes=(("d1", "A"), ("d2", "A"))))
        pairs = [("d1", "A"), ("d1", "B"), ("d2", "A"), ("d2", "B"), ("d3", "A")]
        assert await journal.known_outcomes(pairs) == set(pairs[:3])
        assert await journal.known_outcomes([]) == set()
        assert await seqs(journal) == [1, 2]


async def test_many_pairs_are_found_in_one_query(journal_url: str) -> None:
    pairs = [(f"d{n}", "A") for n in range(1200)]
    async with opened(journal_url) as journal:
        await journal.append(event(1, outcomes=tuple(pairs[::2])))
        assert await journal.known_outcomes(pairs) == set(pairs[::2])


async def test_a_key_keeps_its_first_answer_for_24_hours(journal_url: str) -> None:
    async with opened(journal_url) as journal:
        for seq, (after_ns, digest) in enumerate(
            [(0, "first"), (DAY_NS - 1, "second"), (DAY_NS + 1, "third")], start=1
        ):
            at_ns = START_NS + after_ns
            kept = answer("k", at_ns, body_digest=digest)
            await journal.append(event(seq, at_ns=START_NS, answer=kept))
            found = await journal.stored_answer("desk", "k", START_NS)
            assert found is not None
            assert found.body_digest == ("third" if digest == "third" else "first")
        assert await journal.stored_answer("desk", "k", START_NS + DAY_NS + 2) is None
        assert await journal.stored_answer("other", "k", START_NS) is None


async def test_an_answer_comes_back_byte_for_byte(journal_url: str) -> None:
    kept = answer("k", START_NS, body=bytes(range(256)), status=422)
    async with opened(journal_url) as journal:
        await journal.append(event(1, answer=kept))
        assert await journal.stored_answer("desk", "k", START_NS) == kept


async def test_answers_older_than_24_hours_are_removed(journal_url: str) -> None:
    async with opened(journal_url) as journal:
        for seq in range(1, 601):
            journal.append(event(seq, answer=answer(f"k{seq}", START_NS)))
        for seq in range(601, 604):
            await journal.append(event(seq, at_ns=START_NS + DAY_NS + seq * SECOND_NS))
    engine = create_engine(engine_url(journal_url))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM idempotency")) == 0
    engine.dispose()


async def test_the_two_newest_checkpoints_are_kept(journal_url: str) -> None:
    async with opened(journal_url) as journal:
        assert await journal.latest_checkpoint() is None
        for seq in range(1, 5):
            journal.append(event(seq))
            journal.save_checkpoint(seq, lambda seq=seq: b"state %d" % seq)  # type: ignore[misc]
        await journal.append(event(5))
        assert await journal.latest_checkpoint() == (4, b"state 4")
    engine = create_engine(engine_url(journal_url))
    with engine.connect() as connection:
        kept = connection.scalars(text("SELECT seq FROM checkpoints ORDER BY seq"))
        assert list(kept) == [3, 4]
    engine.dispose()


async def test_a_checkpoint_that_cannot_be_encoded_stops_no_event(
    journal_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(journal_url) as journal:
        journal.save_checkpoint(0, lambda: b"%d" % (1 // 0))
        await journal.append(event(1))
        assert await journal.latest_checkpoint() is None
    assert "checkpoint after event 0 cannot be made" in caplog.text


def test_a_place_is_the_seq_itself_in_the_first_stream() -> None:
    assert place_of(0, 17) == 17
    assert split_place(place_of(5, 17)) == (5, 17)
