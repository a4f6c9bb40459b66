"""Telemetry of an instance with metrics off."""

from typing import Any

from app.pipeline.answer import DecisionView


class SilentTelemetry:
    """Telemetry that counts nothing."""

    def decided(self, view: DecisionView) -> None:
        """Do nothing."""

    def outcomes_recorded(self, report: dict[str, Any]) -> None:
        """Do nothing."""

    def circuit_changed(self, snapshot: dict[str, Any]) -> None:
        """Do nothing."""

    def count(self, name: str, amount: int = 1) -> None:
        """Do nothing."""
