"""Both clients against a real ``himari serve`` with a key."""

import time

import pytest

from app.client import (
    AllocateRequest,
    AsyncHimariClient,
    Forbidden,
    HimariClient,
    InvalidRequest,
    KeyReused,
    NotFound,
    Unauthorized,
    Unreachable,
)
from tests.client.keys import KEY, TRADER
from tests.served_himari import Served
from tests.spoken_himari import free_port


@pytest.fixture
def client(service: Served) -> HimariClient:
    return HimariClient(service.url, KEY)


def test_a_batch_is_sized_found_again_and_priced(
    client: HimariClient, batch: AllocateRequest
) -> None:
    with client:
        answer = client.allocate(batch)
        assert answer["strategy"] == "fallback"
        assert answer["allocations"]["BTC-USD"] > 0.0
        kept = client.get_decision(answer["decision_id"])
        assert kept["answer"]["allocations"] == answer["allocations"]
        page = client.list_decisions(limit=1, symbol="BTC-USD")
        assert page["decisions"][0]["decision_id"] == answer["decision_id"]
        outcome = {
            "decision_id": answer["decision_id"],
            "symbol": "BTC-USD",
            "realized_return": 0.03,
        }
        assert client.record_outcomes([outcome])["accepted"] == 1  # type: ignore[list-item]
        assert client.record_outcomes([outcome])["duplicates"] == 1  # type: ignore[list-item]
        assert client.get_weights_csv(limit=10).splitlines()[0].startswith("timestamp_ns,")
        assert client.get_risk_budget()["limits"]
        assert client.get_performance()["paired"]["n"] >= 0


def test_operator_commands_answer_the_new_state(client: HimariClient) -> None:
    with client:
        halted = client.set_trading_state({"state": "HALTED", "reason": "a drill"})
        assert (halted["state"], halted["reason"]) == ("HALTED", "a drill")
        assert client.get_trading_state()["state"] == "HALTED"
        assert client.set_trading_state({"state": "ACTIVE"})["state"] == "ACTIVE"
        assert client.set_circuit_mode({"mode": "forced_open"})["mode"] == "forced_open"
        assert client.set_circuit_mode({"mode": "auto"})["mode"] == "auto"
        assert client.reset_circuit("after the drill")["state"] == "closed"
        assert client.get_circuit()["consecutive_failures"] == 0
        assert client.get_state()["mode"] == "fallback"


def test_a_service_that_keeps_no_signals_shows_and_ends_none(
    client: HimariClient, batch: AllocateRequest
) -> None:
    with client:
        client.allocate(batch)
        assert client.get_signals() == {"signals": []}
        assert client.end_signals("momentum/slow", "BTC/USD") == {"ended": 0}
        assert client.end_signals("momentum") == {"ended": 0}


def test_market_observations_count_once(client: HimariClient) -> None:
    with client:
        now = time.time_ns()
        assert client.observe_returns(now, {"SOL-USD": 0.01})["accepted"] == 1
        assert client.observe_returns(now, {"SOL-USD": 0.01})["ignored"] == 1
        assert client.observe_prices(now, {"ADA-USD": 0.4})["accepted"] == 1
        assert client.get_correlations(["SOL-USD"])["symbols"] == ["SOL-USD"]
        assert client.get_correlations()["prior_correlation"] == 0.5


def test_operations_need_no_key(service: Served) -> None:
    with HimariClient(service.url) as stranger:
        assert stranger.get_liveness() == {"status": "alive"}
        assert stranger.get_readiness()["status"] == "ready"
        assert "himari_l3_circuit_breaker_state" in stranger.get_metrics()
        with pytest.raises(Unauthorized, match="401"):
            stranger.get_state()


def test_a_refusal_names_the_reason(client: HimariClient, batch: AllocateRequest) -> None:
    with client:
        wrong = AllocateRequest(**batch)
        wrong["portfolio_value"] = -1.0
        with pytest.raises(InvalidRequest) as refused:
            client.allocate(wrong)
        assert refused.value.errors[0]["path"] == "portfolio_value"
        assert refused.value.request_id
        client.allocate(batch, idempotency_key="one")
        with pytest.raises(KeyReused) as reused:
            client.allocate(
                AllocateRequest(**{**batch, "portfolio_value": 5.0}), idempotency_key="one"
            )
        assert reused.value.idempotency_key == "one"
        with pytest.raises(NotFound) as missing:
            client.get_decision("none of ours")
        assert missing.value.slug == "unknown-decision"


def test_a_dry_run_is_not_journalled(client: HimariClient, batch: AllocateRequest) -> None:
    with client:
        answer = client.allocate(batch, dry_run=True)
        with pytest.raises(NotFound):
            client.get_decision(answer["decision_id"])


async def test_both_clients_get_the_same_answer(service: Served, batch: AllocateRequest) -> None:
    async with AsyncHimariClient(service.url, KEY) as client:
        answer = await client.allocate(batch, idempotency_key="both")
        with HimariClient(service.url, KEY) as blocking:
            assert blocking.allocate(batch, idempotency_key="both") == answer
        assert (await client.get_decision(answer["decision_id"]))["answer"] == answer
        assert (await client.get_readiness())["status"] == "ready"
        with pytest.raises(Unreachable):
            async with AsyncHimariClient(f"http://127.0.0.1:{free_port()}") as unreachable:
                await unreachable.get_liveness()


def test_a_client_does_not_show_its_key(client: HimariClient) -> None:
    with client:
        assert KEY not in repr(client)
    with pytest.raises(ValueError, match="must be an http"):
        HimariClient("127.0.0.1:8000")


def test_the_refusal_of_a_key_names_the_missing_role(service: Served) -> None:
    with HimariClient(service.url, TRADER) as trader:
        assert trader.get_trading_state()["state"] == "ACTIVE"
        with pytest.raises(Forbidden, match="must have the role operate"):
            trader.set_trading_state({"state": "HALTED"})
