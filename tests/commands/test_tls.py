"""Both hops under TLS, with an authority of the tests' own: callers, and the policy."""

import json
import ssl
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.commands.starter import example_batch
from tests.certificates import Authority
from tests.guide_server import guide_server
from tests.served_himari import Served, serving
from tests.spoken_himari import Himari, clean_directory, himari

__all__ = ["clean_directory", "himari"]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("own"))


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.certificate))


def written_batch() -> str:
    Path("batch.json").write_text(json.dumps(example_batch(time.time_ns())), "ascii")
    return "batch.json"


def allocated(served: Served, trust: ssl.SSLContext) -> dict[str, Any]:
    with httpx.Client(verify=trust, trust_env=False) as client:
        answer = client.post(f"{served.url}/allocate", json=example_batch(time.time_ns()))
    content: dict[str, Any] = answer.json()
    return content


def test_both_hops_speak_tls_and_the_policy_decides(
    own: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = own.issue()
    with guide_server(tls=own.issue().for_server()) as policy:
        monkeypatch.setenv("HIMARI_ENABLE_RL", "true")
        monkeypatch.setenv("HIMARI_RL_ENDPOINT", policy.endpoint)
        monkeypatch.setenv("HIMARI_RL_CA_FILE", str(own.certificate))
        words = ("--ssl-certfile", str(shown.certificate), "--ssl-keyfile", str(shown.key))
        with serving(*words, trust=trusting(own)) as served:
            answer = allocated(served, trusting(own))
            assert "https://127.0.0.1" in served.log.read_text("ascii")
    assert (answer["strategy"], answer["model_version"]) == ("rl", "v1.0")


@pytest.mark.parametrize("what", ["expired", "wrong host", "unknown authority"])
def test_a_policy_that_cannot_prove_itself_is_a_connection_error_and_phase_2(
    own: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str
) -> None:
    host = "DNS:policy.example" if what == "wrong host" else "IP:127.0.0.1"
    certificate = own.issue(host, expired=what == "expired")
    trusted = Authority(tmp_path, "other") if what == "unknown authority" else own
    with guide_server(tls=certificate.for_server()) as policy:
        monkeypatch.setenv("HIMARI_ENABLE_RL", "true")
        monkeypatch.setenv("HIMARI_RL_ENDPOINT", policy.endpoint)
        monkeypatch.setenv("HIMARI_RL_CA_FILE", str(trusted.certificate))
        with serving() as served:
            answer = allocated(served, ssl.create_default_context())
        assert policy.asked == []
    assert (answer["strategy"], answer["fallback_reason"]) == ("fallback", "connection_error")
    assert answer["allocations"] == answer["baseline_allocations"] != {}


@pytest.mark.parametrize("what", ["expired", "wrong host", "unknown authority", "plain"])
def test_a_caller_does_not_talk_to_a_service_that_cannot_prove_itself(
    own: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str
) -> None:
    host = "DNS:sizing.example" if what == "wrong host" else "IP:127.0.0.1"
    certificate = own.issue(host, expired=what == "expired")
    monkeypatch.setenv("HIMARI_SSL_CERTFILE", str(certificate.certificate))
    monkeypatch.setenv("HIMARI_SSL_KEYFILE", str(certificate.key))
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    other = Authority(tmp_path, "other") if what == "unknown authority" else own
    with serving(trust=blind) as served:
        url = served.url.replace("https", "http") if what == "plain" else served.url
        with (
            httpx.Client(verify=trusting(other), trust_env=False) as client,
            pytest.raises(httpx.TransportError),
        ):
            client.get(f"{url}/health/live")


def test_the_command_line_knows_the_services_own_certificate(
    himari: Himari, own: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = own.issue("DNS:sizing.example")
    monkeypatch.setenv("HIMARI_SSL_CERTFILE", str(certificate.certificate))
    monkeypatch.setenv("HIMARI_SSL_KEYFILE", str(certificate.key))
    monkeypatch.setenv("HIMARI_API_KEYS", "desk:trade:" + "0" * 64 + ",alpha")
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    with serving(trust=blind):
        assert "OK    port      the service runs at" in himari("doctor").out
        assert "OK    access    keys are asked for, with TLS" in himari("doctor").out
        assert "strategy fallback" in himari("allocate", written_batch()).out
        # another certificate of the same authority is not the service's
        monkeypatch.setenv("HIMARI_SSL_CERTFILE", str(own.issue().certificate))
        monkeypatch.setenv("HIMARI_SSL_KEYFILE", str(own.issue().key))
        said = himari("allocate", written_batch())
        assert said.code == 1
        assert "no service answers at https://127.0.0.1" in said.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--ssl-keyfile", "a.key"), "--ssl-keyfile needs --ssl-certfile"),
        (("--ssl-certfile", "a.pem"), "--ssl-certfile: a.pem cannot be read"),
    ],
)
def test_a_certificate_that_cannot_be_served_is_a_sentence(
    himari: Himari, words: tuple[str, ...], sentence: str
) -> None:
    said = himari("serve", *words)
    assert said.code == 1
    assert sentence in said.err


def test_a_key_of_another_certificate_is_a_sentence(himari: Himari, own: Authority) -> None:
    mine, other = own.issue(), own.issue("IP:127.0.0.2")
    words = ("--ssl-certfile", str(mine.certificate), "--ssl-keyfile", str(other.key))
    assert "is not usable PEM: KEY_VALUES_MISMATCH" in himari("serve", *words).err
