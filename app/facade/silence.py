"""Telemetry of an instance with metrics off."""

from typing import Any

from app.pipeline.answer import DecisionView


class SilentTelemetry:
    """Takes no note of anything."""

    def decided(self, view: DecisionView) -> None:
        """Take no note."""

    def outcomes_recorded(self, report: dict[str, Any]) -> None:
        """Take no note."""

    def market_observed(self, report: dict[str, Any]) -> None:
        """Take no note."""

    def noticed(self, what: str, amount: int = 1) -> None:
        """Take no note."""

    def circuit_changed(self, snapshot: dict[str, Any]) -> None:
        """Take no note."""

    def count(self, name: str, amount: int = 1) -> None:
        """Take no note."""
