"""Idempotency-Key: one decision per key, its answer byte for byte to every use of the key.

The first use decides in a task of its own, so a caller who goes away does not undo a decision that
is under way; later uses of the key wait for that task or find the stored answer. Errors are kept
nowhere. A dry run decides nothing, so it neither reads nor stores a key.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request

from app.core.errors import FieldProblem, IdempotencyConflict, InvalidInput
from app.pipeline.ports import StoredAnswer
from app.pipeline.service import IdempotencyClaim

_VISIBLE: Final = re.compile(r"[\x21-\x7e]{1,255}")

Decide = Callable[[IdempotencyClaim], Awaitable[bytes]]
Recall = Callable[[str, str], Awaitable[StoredAnswer | None]]


def idempotency_key(request: Request) -> str | None:
    """Read the Idempotency-Key header.

    Raises
    ------
    InvalidInput
        If it is not 1 to 255 visible ASCII characters, or given twice.
    """
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    if len(given) > 1 or not _VISIBLE.fullmatch(given[0]):
        message = "must be 1 to 255 visible ASCII characters, given once"
        raise InvalidInput(FieldProblem("header.Idempotency-Key", message, ", ".join(given)))
    return given[0]


def claim_for(owner: str, key: str, raw: bytes) -> IdempotencyClaim:
    """Bind a key of an owner to a raw body."""
    return IdempotencyClaim(owner, key, hashlib.sha256(raw).hexdigest())


class InFlight:
    """Decisions under way by owner and key; one per application."""

    def __init__(self) -> None:
        self._tasks: dict[tuple[str, str], tuple[str, asyncio.Task[tuple[bytes, bool]]]] = {}

    async def answer(
        self, claim: IdempotencyClaim, recall: Recall, decide: Decide
    ) -> tuple[bytes, bool]:
        """Answer one use of a key.

        Parameters
        ----------
        claim : IdempotencyClaim
        recall : callable of owner and key
            The stored answer, or None.
        decide : callable of the claim
            Makes and stores the decision; gives its bytes.

        Returns
        -------
        tuple of bytes and bool
            The answer, and whether it is a replay.

        Raises
        ------
        IdempotencyConflict
            If the key came with another body before.
        """
        place = (claim.owner, claim.key)
        waiting = self._tasks.get(place)
        if waiting is None:
            task = asyncio.create_task(_recall_or_decide(claim, recall, decide))
            self._tasks[place] = (claim.body_digest, task)
            task.add_done_callback(lambda done: self._leave(place, done))
            return await asyncio.shield(task)
        digest, task = waiting
        _refuse_other_body(digest, claim)
        body, _ = await asyncio.shield(task)
        return body, True

    def _leave(self, place: tuple[str, str], done: "asyncio.Task[tuple[bytes, bool]]") -> None:
        del self._tasks[place]
        if not done.cancelled():
            done.exception()  # marks it as seen: every caller may have gone away


async def _recall_or_decide(
    claim: IdempotencyClaim, recall: Recall, decide: Decide
) -> tuple[bytes, bool]:
    stored = await recall(claim.owner, claim.key)
    if stored is None:
        return await decide(claim), False
    _refuse_other_body(stored.body_digest, claim)
    return stored.body, True


def _refuse_other_body(digest: str, claim: IdempotencyClaim) -> None:
    if digest != claim.body_digest:
        raise IdempotencyConflict("this Idempotency-Key was used with another body")
