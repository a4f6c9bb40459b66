"""What the tests of the dashboards and rules look at."""

from dataclasses import dataclass

from tests.grafana.inbox import Inbox
from tests.grafana.load import Load
from tests.grafana.watching import Prometheus


@dataclass(frozen=True, slots=True)
class Watched:
    """Both servers after their load, who watches them, and where alerts arrive."""

    prometheus: Prometheus
    inbox: Inbox
    load: Load
