"""A policy that answers as a test says, without a network."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from app.core.types import PolicyInput, Prediction

PolicyScript = Callable[[Sequence[PolicyInput]], Awaitable[tuple[Prediction | None, ...]]]


class FakePolicyClient:
    """A policy that answers every row with ``answer``, raises ``error``, or follows ``script``."""

    def __init__(
        self,
        answer: Prediction | None = None,
        error: BaseException | None = None,
        script: PolicyScript | None = None,
    ) -> None:
        self.answer = answer
        self.error = error
        self.script = script
        self.asked: list[tuple[PolicyInput, ...]] = []
        self.closed = False
        self.resumed = False

    async def predict(self, inputs: Sequence[PolicyInput]) -> tuple[Prediction | None, ...]:
        self.asked.append(tuple(inputs))
        if self.script is not None:
            return await self.script(inputs)
        if self.error is not None:
            raise self.error
        return tuple(self.answer for _ in inputs)

    def resume(self) -> None:
        self.resumed = True

    def statistics(self) -> dict[str, Any]:
        return {"total_predictions": sum(len(inputs) for inputs in self.asked)}

    async def close(self) -> None:
        self.closed = True
