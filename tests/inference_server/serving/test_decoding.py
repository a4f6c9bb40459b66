"""Requests of one turn are decoded together; what is wrong with one is no other's trouble."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from inference_server.model.policy import Arrays, Decoded
from inference_server.model.rows import RowPrediction, SignalRow
from inference_server.serving.decoding import Decoder
from tests.inference_server.model.books import row
from tests.inference_server.policies import EchoPolicy


class TogetherPolicy(EchoPolicy):
    """Remember how many requests each call decoded; refuse a confidence of 0.13."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[int] = []

    def decode(self, rows: Sequence[SignalRow]) -> Decoded:
        return self.decode_all([rows])[0]

    def decode_all(self, requests: Sequence[Sequence[SignalRow]]) -> list[Decoded]:
        self.calls.append(len(requests))
        if any(each.confidence == 0.13 for rows in requests for each in rows):
            raise ValueError("not with me")
        return [super(TogetherPolicy, self).decode(rows) for rows in requests]


def asked(confidence: float) -> list[SignalRow]:
    return [row(confidence=confidence)]


def numbers(decoded: Decoded) -> list[float]:
    return [round(float(each), 6) for each in decoded.inputs["x"]]


async def test_requests_of_one_turn_share_a_call_and_get_their_own() -> None:
    policy, decoder = TogetherPolicy(), Decoder()
    together = await asyncio.gather(
        *(decoder.decode(policy, asked(place / 10)) for place in range(5))
    )
    assert policy.calls == [5]
    assert [numbers(each) for each in together] == [[place / 10] for place in range(5)]
    assert numbers(await decoder.decode(policy, asked(0.7))) == [0.7]
    assert policy.calls == [5, 1]


async def test_a_request_that_cannot_be_decoded_fails_alone() -> None:
    policy, decoder = TogetherPolicy(), Decoder()
    results = await asyncio.gather(
        *(decoder.decode(policy, asked(one)) for one in (0.1, 0.13, 0.3)), return_exceptions=True
    )
    assert policy.calls == [3, 1, 1, 1]
    first, second, third = results
    assert isinstance(first, Decoded)
    assert isinstance(third, Decoded)
    assert (numbers(first), numbers(third)) == ([0.1], [0.3])
    assert isinstance(second, ValueError)
    with pytest.raises(ValueError, match="not with me"):
        await decoder.decode(policy, asked(0.13))
    assert policy.calls[4:] == [1]


async def test_who_goes_away_is_not_worked_for_and_spoils_nobody() -> None:
    policy, decoder = TogetherPolicy(), Decoder()
    tasks = [asyncio.create_task(decoder.decode(policy, asked(place / 10))) for place in range(4)]
    await asyncio.sleep(0.0)
    tasks[1].cancel()
    tasks[2].cancel()
    kept = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in kept[1:3]] == [asyncio.CancelledError] * 2
    assert [numbers(each) for each in kept[::3] if isinstance(each, Decoded)] == [[0.0], [0.3]]
    assert policy.calls in ([2], [4])


async def test_rows_of_two_models_are_never_decoded_together() -> None:
    ours, theirs, decoder = TogetherPolicy(), TogetherPolicy(), Decoder()
    await asyncio.gather(
        *(decoder.decode(policy, asked(0.5)) for policy in (ours, theirs, ours, theirs, ours))
    )
    assert (ours.calls, theirs.calls) == ([3], [2])


async def test_a_long_request_is_decoded_alone_and_at_once() -> None:
    policy, decoder = TogetherPolicy(), Decoder()
    long = [row(confidence=0.5)] * 33
    results = await asyncio.gather(
        decoder.decode(policy, asked(0.1)),
        decoder.decode(policy, long),
        decoder.decode(policy, asked(0.2)),
    )
    assert policy.calls == [1, 2]
    assert [len(numbers(each)) for each in results] == [1, 33, 1]


async def test_a_crowd_is_decoded_in_turns() -> None:
    policy, decoder = TogetherPolicy(), Decoder()
    crowd = [decoder.decode(policy, asked(place / 1024)) for place in range(150)]
    results = await asyncio.gather(*crowd)
    assert policy.calls == [64, 64, 22]
    assert [numbers(each) for each in results] == [[round(place / 1024, 6)] for place in range(150)]
    longer = await asyncio.gather(*(decoder.decode(policy, asked(0.5) * 30) for _ in range(5)))
    assert policy.calls[3:] == [2, 2, 1]
    assert [len(numbers(each)) for each in longer] == [30] * 5


class AlonePolicy:
    """Decode one by one."""

    def decode(self, rows: Sequence[SignalRow]) -> Decoded:
        return Decoded({"x": np.full(len(rows), 2.0, np.float32)})

    def predict(self, inputs: Arrays) -> Arrays:
        return inputs

    def encode(self, outputs: Arrays, decoded: Decoded) -> list[RowPrediction]:
        del outputs, decoded
        return []


async def test_a_policy_that_decodes_one_by_one_is_asked_at_once() -> None:
    assert numbers(await Decoder().decode(AlonePolicy(), asked(0.5))) == [2.0]
