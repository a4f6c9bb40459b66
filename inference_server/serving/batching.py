"""Batching without a time window: collect what is queued, run it, split it up again.

An idle server runs a request at once. What queues up meanwhile goes into the next run together,
at most ``max_batch_rows`` rows of one policy; a longer request is cut into pieces and takes turns
with the others. Each caller gets exactly its own rows. A caller that went away or ran out of time
leaves the queue before the run; a run that fails is repeated caller by caller, so that only the
request that cannot be run fails.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Protocol

from inference_server.errors import DeadlinePassed, ModelFailed, NotServing, Overloaded
from inference_server.model.policy import Arrays, Policy, leading_rows
from inference_server.serving.batch_run import Job, Piece, RunResult, run_pieces
from inference_server.serving.model_thread import ModelThread

_STOP_PATIENCE_SEC: Final = 5.0


class RunObserver(Protocol):
    """Receives the figures of runs; called in the event loop."""

    def observe_run(self, rows: int, seconds: float, *, failed: int, callers: int) -> None:
        """Record a run: its rows, its seconds, its callers and how many of them failed."""

    def observe_wait(self, seconds: float) -> None:
        """Record how long a request was queued before its first rows ran, seconds."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Rows of one run, and rows that may wait; counts."""

    max_batch_rows: int = 32
    queue_rows: int = 8192


class Batcher:
    """Share one model thread among callers.

    Parameters
    ----------
    thread : ModelThread
    limits : BatchLimits
    observer : RunObserver
    """

    def __init__(self, thread: ModelThread, limits: BatchLimits, observer: RunObserver) -> None:
        self._thread = thread
        self._limits = limits
        self._observer = observer
        self._queue: OrderedDict[Job, None] = OrderedDict()
        self._queued_rows = 0
        self._running = False
        self._closed = False

    @property
    def queued_rows(self) -> int:
        """Rows that wait for a run, count."""
        return self._queued_rows

    def refuse_if_full(self, rows: int = 1) -> None:
        """Raise if so many rows could not be queued.

        Raises
        ------
        Overloaded
            If ``rows`` more would not fit.
        NotServing
            If the model thread is stuck, or the batcher closed.
        """
        trouble = "the service is ending" if self._closed else self._thread.trouble()
        if trouble is not None:
            raise NotServing(trouble)
        if self._queued_rows + rows > self._limits.queue_rows:
            raise Overloaded(f"{self._queued_rows} rows are waiting already")

    async def run(self, policy: Policy, inputs: Arrays, deadline: float) -> Arrays:
        """Run one caller's rows, together with whatever else is waiting.

        Parameters
        ----------
        policy : Policy
            Rows of different policies never share a run.
        inputs : mapping of name to ndarray with k leading rows, k >= 1
        deadline : float, seconds on the running loop's clock

        Returns
        -------
        mapping of name to ndarray with k leading rows

        Raises
        ------
        Overloaded
            The queue is full.
        DeadlinePassed
            The rows were not all run in time; what still waited is dropped.
        ModelFailed
            The policy cannot run these rows, alone either.
        NotServing
            The thread is stuck, or the batcher closes.
        """
        rows = leading_rows(inputs)
        self.refuse_if_full(rows)
        loop = asyncio.get_running_loop()
        job = Job(policy, inputs, rows, loop.time(), deadline, loop.create_future())
        self._queue[job] = None
        self._queued_rows += rows
        self._start_soon()
        timer = loop.call_at(deadline, _expire, job)
        try:
            return await job.answer
        finally:
            timer.cancel()
            self._forget(job)

    async def close(self) -> None:
        """Fail what waits, let the current run end, stop the thread."""
        self._closed = True
        for job in self._queue:
            job.fail(NotServing("the service is ending"))
        await asyncio.to_thread(self._thread.stop, _STOP_PATIENCE_SEC)

    def _start_soon(self) -> None:
        # one turn of the loop later, so that callers read in the same turn share the run
        if not self._running:
            self._running = True
            asyncio.get_running_loop().call_soon(self._start_run)

    def _start_run(self) -> None:
        pieces = self._collect()
        if not pieces:
            self._running = False
            return
        loop = asyncio.get_running_loop()

        def work() -> None:
            result = run_pieces(pieces)
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._finish_run, pieces, result)

        self._thread.run(work)

    def _collect(self) -> list[Piece]:
        """Take the rows of the next run off the queue; what is cut goes to its end."""
        room, now = self._limits.max_batch_rows, asyncio.get_running_loop().time()
        chosen: list[tuple[Job, int]] = []
        for job in self._queue:
            if job.answer.done() or job.deadline <= now:
                continue  # its caller takes it off the queue
            if chosen and job.policy is not chosen[0][0].policy:
                continue
            rows = min(room, job.left)
            chosen.append((job, rows))
            room -= rows
            if room == 0:
                break
        return [self._take(job, rows, now) for job, rows in chosen]

    def _take(self, job: Job, rows: int, now: float) -> Piece:
        if job.taken == 0:
            self._observer.observe_wait(now - job.queued_at)
        piece = job.take(rows)
        self._queued_rows -= rows
        if job.left:
            self._queue.move_to_end(job)
        else:
            del self._queue[job]
        return piece

    def _finish_run(self, pieces: list[Piece], result: RunResult) -> None:
        failed = 0
        for piece, outcome in zip(pieces, result.outcomes, strict=True):
            if isinstance(outcome, ModelFailed):
                failed += 1
                piece.job.fail(outcome)
            else:
                piece.job.add(outcome)
        rows = sum(piece.rows for piece in pieces)
        self._observer.observe_run(rows, result.seconds, failed=failed, callers=len(pieces))
        self._start_run()

    def _forget(self, job: Job) -> None:
        if job in self._queue:
            del self._queue[job]
            self._queued_rows -= job.left


def _expire(job: Job) -> None:
    job.fail(DeadlinePassed("the request's time was over before all of its rows were run"))
