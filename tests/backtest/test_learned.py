"""The servers behind the learned policies: how a given one is asked for its card."""

from pathlib import Path
from typing import Any

import pytest

from app.backtest.learned import served
from app.processes.inference import ServerMissing
from app.settings import Settings
from tests.certificates import Authority
from tests.guide_server import guide_server

CARD = {"version": "v7", "kind": "multiplier"}


@pytest.fixture
def own(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "own")


def test_a_given_server_is_asked_for_its_card_with_key_headers_and_authorities(
    own: Authority,
) -> None:
    settings = Settings.model_validate(
        {
            "rl_ca_file": str(own.certificate),
            "rl_api_key": "s3cret",
            "rl_headers": {"X-Tunnel": "open"},
        }
    )
    with guide_server(tls=own.issue().for_server()) as server:
        server.card = CARD
        with served("rl", server.endpoint, settings) as given:
            assert (given.endpoint, given.card, given.own) == (server.endpoint, CARD, False)
        (headers,) = server.card_headers
    assert (headers["authorization"], headers["x-tunnel"]) == ("Bearer s3cret", "open")


@pytest.mark.parametrize(
    ("key", "authorization"), [(None, "Basic YW5uOnNlY3JldA=="), ("s3cret", "Bearer s3cret")]
)
def test_the_key_goes_before_the_user_of_the_url(key: str | None, authorization: str) -> None:
    settings = Settings.model_validate({"rl_api_key": key})
    with guide_server() as server:
        url = server.endpoint.replace("http://", "http://ann:secret@")
        with served("rl", url, settings) as given:
            assert given.card is None
        assert [headers["authorization"] for headers in server.card_headers] == [authorization]


@pytest.mark.parametrize("trust", ["another authority", "no such file"])
def test_a_given_server_that_cannot_be_trusted_is_refused_in_a_sentence(
    own: Authority, tmp_path: Path, trust: str
) -> None:
    other = Authority(tmp_path, "other").certificate
    ca_file = tmp_path / "nowhere.pem" if trust == "no such file" else other
    settings = Settings(rl_ca_file=str(ca_file))
    sentence = "cannot be asked: CA file" if trust == "no such file" else "CERTIFICATE_VERIFY"
    with (
        guide_server(tls=own.issue().for_server()) as server,
        pytest.raises(ServerMissing, match=sentence),
        served("rl", server.endpoint, settings),
    ):
        pass


@pytest.mark.parametrize("card", [["v1"], "v1", 1])
def test_a_card_that_is_no_object_is_none(card: Any) -> None:
    with guide_server() as server:
        server.card = card
        with served("rl", server.endpoint, Settings()) as given:
            assert given.card is None
