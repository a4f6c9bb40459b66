"""Fakes of the ports: small, real objects that tests steer, a file a port."""

from tests.fakes.clock import FakeClock
from tests.fakes.journal import FakeJournal
from tests.fakes.policy_client import FakePolicyClient
from tests.fakes.telemetry import FakeTelemetry

__all__ = ["FakeClock", "FakeJournal", "FakePolicyClient", "FakeTelemetry"]
