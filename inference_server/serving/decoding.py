"""Decode the requests of one turn of the event loop in one call."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, cast

from inference_server.model.policy import BatchDecoder, Decoded, Policy
from inference_server.model.rows import SignalRow

# rows of a request: with more, the cost per call no longer matters
_SHORT: Final = 32
# rows of one call: more would hold up the event loop
_TOGETHER: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    rows: Sequence[SignalRow]
    decoded: "asyncio.Future[Decoded]"


class Decoder:
    """Collect the requests of one turn of the loop and decode them at its end.

    A long request is decoded at once, and so is every request if the policy cannot decode several
    together. If decoding together raises, each request is decoded alone, so that only the bad one
    fails.
    """

    def __init__(self) -> None:
        self._waiting: dict[Policy, list[_Waiting]] = {}

    async def decode(self, policy: Policy, rows: Sequence[SignalRow]) -> Decoded:
        """Decode one request.

        Raises
        ------
        Exception
            Whatever the policy raises on these rows alone.
        """
        if not 0 < len(rows) <= _SHORT or not hasattr(policy, "decode_all"):
            return policy.decode(rows)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(rows, loop.create_future())
        if policy in self._waiting:
            self._waiting[policy].append(waiting)
        else:
            self._waiting[policy] = [waiting]
            loop.call_soon(self._decode, policy)
        return await waiting.decoded

    def _decode(self, policy: Policy) -> None:
        # a request is done if its caller left meanwhile
        waiting = [each for each in self._waiting.pop(policy) if not each.decoded.done()]
        upto = accumulate(len(each.rows) for each in waiting)
        count = sum(rows <= _TOGETHER for rows in upto)
        if len(waiting) > count:
            self._waiting[policy] = waiting[count:]
            asyncio.get_running_loop().call_soon(self._decode, policy)
        waiting = waiting[:count]
        if not waiting:
            return
        try:
            able = cast("BatchDecoder", policy)  # checked in decode
            together = able.decode_all([each.rows for each in waiting])
            for each, decoded in zip(waiting, together, strict=True):
                each.decoded.set_result(decoded)
        except Exception as error:  # noqa: BLE001 - whatever a model raises fails its callers alone
            self._decode_alone(policy, waiting, error)

    def _decode_alone(self, policy: Policy, waiting: Sequence[_Waiting], error: Exception) -> None:
        for each in waiting:
            if each.decoded.done():
                continue
            if len(waiting) == 1:
                each.decoded.set_exception(error)
                continue
            try:
                each.decoded.set_result(policy.decode(each.rows))
            except Exception as own:  # noqa: BLE001 - raised in the caller that awaits it
                each.decoded.set_exception(own)
