"""Telemetry that a test reads back."""

from typing import Any

from app.pipeline.answer import DecisionView


class FakeTelemetry:
    """Notes what it was told, a line each."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def decided(self, view: DecisionView) -> None:
        self.told.append(f"decided {view.answer['strategy']}")

    def outcomes_recorded(self, report: dict[str, Any]) -> None:
        self.told.append(f"outcomes {report['accepted']}")

    def circuit_changed(self, snapshot: dict[str, Any]) -> None:
        self.told.append(f"circuit {snapshot['state']}")

    def count(self, name: str, amount: int = 1) -> None:
        self.told.append(f"{name} {amount}")
