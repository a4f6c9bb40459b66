"""Telemetry that a test reads back."""

from typing import Any

from app.pipeline.answer import DecisionView


class FakeTelemetry:
    """Keeps a line for each call."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def decided(self, view: DecisionView) -> None:
        self.calls.append(f"decided {view.answer['strategy']}")

    def outcomes_recorded(self, report: dict[str, Any]) -> None:
        self.calls.append(f"outcomes {report['accepted']}")

    def market_observed(self, report: dict[str, Any]) -> None:
        self.calls.append(f"market {report['accepted']} {report['ignored']}")

    def noticed(self, what: str, amount: int = 1) -> None:
        self.calls.append(f"noticed {what} {amount}")

    def circuit_changed(self, snapshot: dict[str, Any]) -> None:
        self.calls.append(f"circuit {snapshot['state']}")

    def count(self, name: str, amount: int = 1) -> None:
        self.calls.append(f"{name} {amount}")
