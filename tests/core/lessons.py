"""Lessons from returns, as a decision with that mean and volatility would be taught."""

from typing import Any

from app.core.books.records import Lesson


def lesson(
    strategy: str, trade_return: float, predicted: float, volatility: float, **origin: Any
) -> Lesson:
    """Return the lesson of an outcome whose signal claimed nothing; keywords say its origin."""
    residual = abs(trade_return - predicted) / volatility
    return Lesson(strategy, 0.0, trade_return / volatility, residual, **origin)
