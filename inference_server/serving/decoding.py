"""Decode what arrives in one turn of the loop together, each request for itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, cast

from inference_server.model.policy import BatchDecoder, Decoded, Policy
from inference_server.model.rows import SignalRow

# rows of a request: above it the work is by the row, not by the call
_SHORT: Final = 32
# rows in one call, so that it does not hold up the loop
_TOGETHER: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    rows: Sequence[SignalRow]
    decoded: "asyncio.Future[Decoded]"


class Decoder:
    """Collect the requests of one turn of the loop and decode them at its end.

    A policy that decodes one by one is asked at once, and so is one with a request so long that
    company would not make it cheaper. If requests together cannot be decoded, each is decoded
    alone, so that only the one that cannot be fails.
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
        # who went away meanwhile is not worked for
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
            able = cast("BatchDecoder", policy)  # decode saw to it
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
            except Exception as own:  # noqa: BLE001 - it is its caller who hears of it
                each.decoded.set_exception(own)
