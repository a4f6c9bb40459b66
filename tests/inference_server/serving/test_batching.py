"""The batcher: what shares a run, and that nobody gets, loses or spoils another's rows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_server.errors import DeadlinePassed, ModelFailed, NotServing, Overloaded
from inference_server.model.policy import Arrays
from inference_server.serving.batching import Batcher, BatchLimits
from inference_server.serving.model_thread import ModelThread
from tests.inference_server.policies import EchoPolicy, numbers

Fate = Literal["served", "cancelled", "poisonous", "late"]


@dataclass
class Figures:
    """A run observer that remembers."""

    rows: list[int] = field(default_factory=list)
    failed: int = 0
    waits: int = 0

    def observe_run(self, rows: int, seconds: float, *, failed: int, callers: int) -> None:
        assert seconds >= 0.0
        assert callers >= 1
        self.rows.append(rows)
        self.failed += failed

    def observe_wait(self, seconds: float) -> None:
        assert seconds >= 0.0
        self.waits += 1


@dataclass
class Bench:
    """A batcher on its own thread, with a policy to steer."""

    batcher: Batcher
    policy: EchoPolicy
    figures: Figures
    thread: ModelThread

    def ask(self, *values: float, within_sec: float = 30.0) -> "asyncio.Task[Arrays]":
        deadline = asyncio.get_running_loop().time() + within_sec
        return asyncio.create_task(self.batcher.run(self.policy, numbers(*values), deadline))

    async def block(self, *values: float) -> "asyncio.Task[Arrays]":
        """Send rows whose run lasts until the policy is let go."""
        self.policy.hold.set()
        first = self.ask(*values)
        assert await asyncio.to_thread(self.policy.holding.wait, 20.0)
        self.policy.hold.clear()
        return first


@asynccontextmanager
async def bench(
    max_batch_rows: int = 8, queue_rows: int = 1000, limit_sec: float = 30.0
) -> AsyncIterator[Bench]:
    thread, figures = ModelThread(limit_sec), Figures()
    thread.start()
    limits = BatchLimits(max_batch_rows, queue_rows)
    built = Bench(Batcher(thread, limits, figures), EchoPolicy(), figures, thread)
    try:
        yield built
    finally:
        built.policy.let_go.set()
        await built.batcher.close()


async def turn(times: int = 3) -> None:
    """Let tasks that are ready run."""
    for _ in range(times):
        await asyncio.sleep(0)


async def test_an_idle_batcher_runs_a_request_at_once() -> None:
    async with bench() as it:
        answer = await it.ask(1.0, 2.0)
        assert answer["x"].tolist() == [2.0, 4.0]
        assert it.policy.runs == [[1.0, 2.0]]


async def test_what_queues_up_during_a_run_goes_into_the_next_one_together() -> None:
    async with bench() as it:
        first = await it.block(1.0)
        others = [it.ask(value) for value in (2.0, 3.0, 4.0)]
        await turn()
        assert it.batcher.queued_rows == 3
        it.policy.let_go.set()
        answers = await asyncio.gather(first, *others)
        assert [answer["x"].tolist() for answer in answers] == [[2.0], [4.0], [6.0], [8.0]]
        assert it.policy.runs == [[1.0], [2.0, 3.0, 4.0]]
        assert it.figures.rows == [1, 3]


async def test_a_long_request_is_cut_and_takes_turns_with_a_short_one() -> None:
    async with bench(max_batch_rows=3) as it:
        first = await it.block(0.0)
        long = it.ask(*range(1, 9))
        await turn()
        short = it.ask(100.0)
        await turn()
        it.policy.let_go.set()
        await first
        assert (await short)["x"].tolist() == [200.0]
        assert (await long)["x"].tolist() == [2.0 * value for value in range(1, 9)]
        assert it.policy.runs[1:] == [[1, 2, 3], [100, 4, 5], [6, 7, 8]]


async def test_rows_of_two_policies_never_share_a_run() -> None:
    async with bench() as it:
        first = await it.block(1.0)
        other = EchoPolicy()
        deadline = asyncio.get_running_loop().time() + 30.0
        tasks = [
            it.ask(2.0),
            asyncio.create_task(it.batcher.run(other, numbers(3.0), deadline)),
            it.ask(4.0),
        ]
        await turn()
        it.policy.let_go.set()
        await asyncio.gather(first, *tasks)
        assert it.policy.runs == [[1.0], [2.0, 4.0]]
        assert other.runs == [[3.0]]


async def test_a_cancelled_caller_poisons_nobody_and_its_rows_are_not_run() -> None:
    async with bench() as it:
        first = await it.block(1.0)
        gone, stays = it.ask(2.0), it.ask(3.0)
        await turn()
        gone.cancel()
        await turn()
        assert it.batcher.queued_rows == 1
        it.policy.let_go.set()
        assert (await stays)["x"].tolist() == [6.0]
        assert (await first)["x"].tolist() == [2.0]
        assert gone.cancelled()
        assert it.policy.runs == [[1.0], [3.0]]


async def test_a_caller_cancelled_during_its_run_leaves_the_others_their_answers() -> None:
    async with bench() as it:
        first = await it.block(1.0)
        first.cancel()
        after = it.ask(2.0)
        await turn()
        it.policy.let_go.set()
        assert (await after)["x"].tolist() == [4.0]


async def test_one_poisonous_request_cannot_fail_its_neighbours() -> None:
    async with bench() as it:
        it.policy.poison = {3.0}
        first = await it.block(1.0)
        tasks = [it.ask(value) for value in (2.0, 3.0, 4.0)]
        await turn()
        it.policy.let_go.set()
        await first
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(answers[1], ModelFailed)
        assert isinstance(answers[1].__cause__, ValueError)
        assert [answer["x"].tolist() for answer in (answers[0], answers[2])] == [[4.0], [8.0]]  # type: ignore[index]
        assert it.policy.runs[1:] == [[2.0, 3.0, 4.0], [2.0], [3.0], [4.0]]
        assert it.figures.failed == 1


async def test_a_full_queue_turns_away_and_has_room_again() -> None:
    async with bench(queue_rows=4) as it:
        first = await it.block(1.0)
        waiting = it.ask(2.0, 3.0, 4.0)
        await turn()
        with pytest.raises(Overloaded, match="3 rows are waiting"):
            await it.ask(5.0, 6.0)
        fits = it.ask(5.0)
        await turn()
        it.policy.let_go.set()
        await asyncio.gather(first, waiting, fits)
        assert (await it.ask(1.0, 2.0, 3.0, 4.0))["x"].size == 4


async def test_a_deadline_is_honoured_in_the_queue() -> None:
    async with bench() as it:
        first = await it.block(1.0)
        late = it.ask(2.0, within_sec=0.01)
        with pytest.raises(DeadlinePassed):
            await late
        assert it.batcher.queued_rows == 0
        it.policy.let_go.set()
        await first
        assert it.policy.runs == [[1.0]]


async def test_a_deadline_is_honoured_during_a_run() -> None:
    async with bench() as it:
        it.policy.hold.set()
        with pytest.raises(DeadlinePassed):
            await it.ask(1.0, within_sec=0.05)


async def test_a_stuck_run_turns_new_requests_away_and_answers_its_own() -> None:
    async with bench(limit_sec=0.0) as it:
        first = await it.block(1.0)
        with pytest.raises(NotServing, match="the model has run for"):
            await it.ask(2.0)
        it.policy.let_go.set()
        assert (await first)["x"].tolist() == [2.0]


async def test_wrong_numbers_of_outputs_fail_the_request() -> None:
    class Short(EchoPolicy):
        def predict(self, inputs: Arrays) -> Arrays:
            return {"x": inputs["x"][:-1]}

    async with bench() as it:
        it.policy = Short()
        with pytest.raises(ModelFailed, match="must answer 2 rows, was 1"):
            await it.ask(1.0, 2.0)


async def test_outputs_that_change_their_shape_between_runs_fail_the_request_alone() -> None:
    class Shifty(EchoPolicy):
        def predict(self, inputs: Arrays) -> Arrays:
            rows = len(inputs["x"])
            return {"x": np.zeros((rows, rows), np.float32)}

    async with bench(max_batch_rows=2) as it:
        it.policy = Shifty()
        with pytest.raises(ModelFailed, match="one shape"):
            await it.ask(1.0, 2.0, 3.0)
        assert (await it.ask(1.0))["x"].shape == (1, 1)


async def test_closing_fails_what_waits_and_lets_the_run_at_hand_end() -> None:
    async with bench() as it:
        first = await it.block(1.0)
        waiting = it.ask(2.0)
        await turn()
        closing = asyncio.create_task(it.batcher.close())
        with pytest.raises(NotServing, match="ending"):
            await waiting
        it.policy.let_go.set()
        await closing
        assert (await first)["x"].tolist() == [2.0]
        with pytest.raises(NotServing):
            await it.ask(3.0)


@settings(max_examples=60, deadline=None)
@given(
    callers=st.lists(
        st.tuples(
            st.integers(1, 20),
            st.sampled_from(["served", "served", "cancelled", "poisonous", "late"]),
        ),
        min_size=1,
        max_size=12,
    ),
    max_batch_rows=st.integers(1, 12),
)
def test_each_caller_gets_exactly_its_own_rows_whatever_becomes_of_the_others(
    callers: list[tuple[int, Fate]], max_batch_rows: int
) -> None:
    async def play() -> None:
        async with bench(max_batch_rows) as it:
            first = await it.block(-1.0)
            wanted = _rows_of_callers(callers)
            it.policy.poison = {
                rows[-1] for rows, (_, fate) in zip(wanted, callers, strict=True)
                if fate == "poisonous"
            }  # fmt: skip
            tasks = [
                it.ask(*rows, within_sec=-1.0 if fate == "late" else 30.0)
                for rows, (_, fate) in zip(wanted, callers, strict=True)
            ]
            await turn()
            for task, (_, fate) in zip(tasks, callers, strict=True):
                if fate == "cancelled":
                    task.cancel()
            await turn()
            it.policy.let_go.set()
            await first
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            for rows, answer, (_, fate) in zip(wanted, answers, callers, strict=True):
                _check(rows, answer, fate)
            _check_runs(it, wanted, callers, max_batch_rows)

    asyncio.run(play())


def _rows_of_callers(callers: list[tuple[int, Fate]]) -> list[list[float]]:
    """Give each row a number of its own, caller by caller."""
    ends = np.cumsum([count for count, _ in callers])
    return [
        [float(value) for value in range(end - count, end)]
        for end, (count, _) in zip(ends, callers, strict=True)
    ]


def _check(rows: list[float], answer: Arrays | BaseException, fate: Fate) -> None:
    if isinstance(answer, BaseException):
        expected = {
            "cancelled": asyncio.CancelledError,
            "poisonous": ModelFailed,
            "late": DeadlinePassed,
        }
        assert type(answer) is expected.get(fate)
    else:
        assert fate == "served"
        assert answer["x"].tolist() == [2.0 * row for row in rows]


def _check_runs(
    it: Bench, wanted: list[list[float]], callers: list[tuple[int, Fate]], max_rows: int
) -> None:
    run = [value for each in it.policy.runs for value in each]
    never = {
        row
        for rows, (_, fate) in zip(wanted, callers, strict=True)
        if fate in {"cancelled", "late"}
        for row in rows
    }
    assert never.isdisjoint(run)
    assert max(map(len, it.policy.runs)) <= max_rows
    assert it.batcher.queued_rows == 0
