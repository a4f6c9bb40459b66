"""The kill switch over HTTP: its conditions, and their problems."""

from typing import Any

import pytest

from app.core.types import TradingState
from tests.api.conftest import Site


async def test_a_switch_from_another_state_is_409_and_names_the_state(site: Site) -> None:
    site.service.operating.state = TradingState.REDUCING
    wanted = {"state": "ACTIVE", "if_state_is": "HALTED"}
    answer = await site.client.put("/trading-state", json=wanted)
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:himari:problem:trading-state-differs"
    assert "REDUCING" in answer.json()["detail"]
    assert site.service.calls == []


@pytest.mark.parametrize(
    ("method", "query", "body"),
    [
        ("GET", "?portfolio_id=other", None),
        ("PUT", "", {"state": "HALTED", "portfolio_id": "other"}),
        ("PUT", "", {"state": "HALTED", "portfolio_id": "Default"}),
    ],
)
async def test_a_portfolio_that_does_not_exist_is_404(
    site: Site, method: str, query: str, body: Any
) -> None:
    answer = await site.client.request(method, f"/trading-state{query}", json=body)
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:himari:problem:unknown-portfolio"
    assert site.service.calls == []
