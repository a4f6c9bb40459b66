"""The dashboards, one per reader; ``home`` is where Grafana starts."""

from typing import Final

from grafana.build.board import Board
from grafana.build.boards import health, home, policy, regime, risk, sizing

BOARDS: Final[tuple[Board, ...]] = (
    home.BOARD,
    sizing.BOARD,
    risk.BOARD,
    regime.BOARD,
    policy.BOARD,
    health.BOARD,
)
