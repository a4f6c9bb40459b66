"""Settings: defaults of the contract, environment over file, every mistake named."""

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from app.core.params import EngineParams
from app.settings import Settings, SettingsError, is_live, load_settings, setting_names

CONTRACT: dict[str, Any] = {
    "portfolio_value": 100_000,
    "kelly_fraction": 0.25,
    "max_position_pct": 0.15,
    "max_strategy_pct": 0.40,
    "max_portfolio_pct": 0.80,
    "rebalance_span": 0,
    "allow_short": False,
    "enable_rl": False,
    "use_mock_rl": False,
    "rl_endpoint": "http://localhost:8888/predict",
    "rl_timeout_sec": 5.0,
    "rl_min_confidence": 0.5,
    "enable_metrics": True,
    "database_url": "sqlite:///himari.db",
    "api_keys": (),
    "host": "127.0.0.1",
    "port": 8000,
    "config_file": None,
    "rl_api_key": None,
    "rl_headers": {},
    "rl_wire": "json",
    "drain_sec": 1,
    "synchronous": "FULL",
}
BREAKER = {
    "enabled": True,
    "failure_threshold": 5,
    "initial_timeout_sec": 30,
    "max_timeout_sec": 300,
    "backoff_multiplier": 2,
    "jitter": 0,
    "failure_rate": 0,
}

SetVariables = Callable[..., None]


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> SetVariables:
    """Start from no HIMARI_ variable; set some by name without the prefix."""
    for name in os.environ:
        if name.upper().startswith("HIMARI_"):
            monkeypatch.delenv(name)

    def set_variables(**given: str) -> None:
        for name, value in given.items():
            monkeypatch.setenv(f"HIMARI_{name}", value)

    return set_variables


@pytest.fixture
def in_file(tmp_path: Path, variables: SetVariables) -> Callable[[str], None]:
    def write(text: str) -> None:
        path = tmp_path / "himari.yaml"
        path.write_text(text, "utf-8")
        variables(CONFIG_FILE=str(path))

    return write


def problems() -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return caught.value.problems


def test_defaults_are_those_of_the_contract() -> None:
    loaded = load_settings()
    assert {name: getattr(loaded, name) for name in CONTRACT} == CONTRACT
    assert {name: getattr(loaded.circuit_breaker, name) for name in BREAKER} == BREAKER


def test_every_number_of_the_core_can_be_set() -> None:
    settable = {name.removeprefix("HIMARI_") for name in setting_names()}
    flat = {
        "KELLY__FRACTION": "KELLY_FRACTION",
        "LIMITS__MAX_POSITION_PCT": "MAX_POSITION_PCT",
        "LIMITS__MAX_STRATEGY_PCT": "MAX_STRATEGY_PCT",
        "LIMITS__MAX_PORTFOLIO_PCT": "MAX_PORTFOLIO_PCT",
        "LIMITS__ALLOW_SHORT": "ALLOW_SHORT",
        "TRADING__REBALANCE_SPAN": "REBALANCE_SPAN",
        "TRADING__REBALANCE_HALF_LIFE_SEC": "REBALANCE_HALF_LIFE_SEC",
        "BLEND__MIN_CONFIDENCE": "RL_MIN_CONFIDENCE",
    }
    wanted = {"PORTFOLIO_VALUE"}
    for room, content in EngineParams().to_json().items():
        if isinstance(content, dict):
            wanted |= {f"{room}__{name}".upper() for name in content}
    assert {flat.get(name, name) for name in wanted} <= settable


def test_the_environment_is_read(variables: SetVariables) -> None:
    variables(
        KELLY_FRACTION="0.5",
        ALLOW_SHORT="true",
        CIRCUIT_BREAKER__FAILURE_THRESHOLD="7",
        KELLY__MIN_EDGE="0.01",
        TRADING__LOT_SIZES='{"BTC-USD": 0.001}',
        LIMITS__GROUPS='{"majors": ["BTC-USD", "ETH-USD"]}',
        LIMITS__GROUP_CAPS='{"majors": 0.3}',
        SYNCHRONOUS="normal",
        RL_API_KEY="",
    )
    loaded = load_settings()
    params = loaded.to_engine_params()
    assert (params.kelly.fraction, params.kelly.min_edge) == (0.5, 0.01)
    assert params.limits.allow_short
    assert params.limits.groups == {"majors": ("BTC-USD", "ETH-USD")}
    assert params.trading.lot_sizes == {"BTC-USD": 0.001}
    assert loaded.to_breaker_params().failure_threshold == 7
    assert (loaded.synchronous, loaded.rl_api_key) == ("NORMAL", None)
    assert EngineParams.from_json(json.loads(json.dumps(params.to_json()))) == params


def test_the_environment_wins_over_the_file(
    variables: SetVariables, in_file: Callable[[str], None]
) -> None:
    in_file("kelly_fraction: 0.1\nport: 9000\ncircuit_breaker:\n  jitter: 0.2\n  failure_rate: 0.5")
    variables(KELLY_FRACTION="0.3", CIRCUIT_BREAKER__JITTER="0.1")
    loaded = load_settings()
    assert (loaded.kelly_fraction, loaded.port) == (0.3, 9000)
    breaker = loaded.circuit_breaker
    assert (breaker.jitter, breaker.failure_rate) == (0.1, 0.5)


def test_the_constructor_reads_nothing(variables: SetVariables) -> None:
    variables(KELLY_FRACTION="0.5")
    assert Settings().kelly_fraction == 0.25


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("REGIMES__PERIOD_SEC", "HIMARI_REGIME__PERIOD_SEC"),
        ("KELY_FRACTION", "HIMARI_KELLY_FRACTION"),
        ("CIRCUIT_BREAKER__FAILURE_TRESHOLD", "HIMARI_CIRCUIT_BREAKER__FAILURE_THRESHOLD"),
        ("CIRCUIT_BREAKER_ENABLED", "HIMARI_CIRCUIT_BREAKER__ENABLED"),
        ("ENABLE_METRIC", "HIMARI_ENABLE_METRICS"),
        ("TRADING__LOT_SIZES__BTC", "HIMARI_TRADING__LOT_SIZES"),
    ],
)
def test_an_unknown_variable_names_the_nearest(
    variables: SetVariables, name: str, nearest: str
) -> None:
    variables(**{name: "1"})
    assert problems() == [f"HIMARI_{name} is not a known setting; the nearest is {nearest}"]


def test_a_span_and_a_half_life_together_are_refused(variables: SetVariables) -> None:
    variables(REBALANCE_SPAN="10", REBALANCE_HALF_LIFE_SEC="3600")
    assert problems() == [
        "rebalance_half_life_sec stands for rebalance_span: set one of them to 0, were 3600 and 10"
    ]
    variables(REBALANCE_SPAN="0")
    assert load_settings().to_engine_params().trading.rebalance_half_life_sec == 3600.0


def test_a_phase_of_a_bar_or_more_is_refused(variables: SetVariables) -> None:
    variables(MARKET__BAR_SEC="3600", MARKET__BAR_PHASE_SEC="3600")
    assert problems() == ["HIMARI_MARKET bar_phase_sec must be < bar_sec 3600, was 3600"]
    variables(MARKET__BAR_PHASE_SEC="0")
    market = load_settings().to_engine_params().market
    assert (market.bar_sec, market.bar_phase_sec) == (3600.0, 0.0)


def test_the_length_of_bars_needs_a_restart_and_their_phase_does_not() -> None:
    assert not is_live("market.bar_sec")
    assert is_live("market.bar_phase_sec")


def test_variables_of_the_inference_server_are_not_ours(variables: SetVariables) -> None:
    variables(INFERENCE_PORT="1", INFERENCE_ANYTHING="x")
    assert load_settings() == Settings()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kely_fraction: 1", "kely_fraction in the configuration file is not a known setting; the nearest is kelly_fraction"),  # noqa: E501
        ("circuit_breaker:\n  jiter: 0", "circuit_breaker.jiter in the configuration file is not a known setting; the nearest is circuit_breaker.jitter"),  # noqa: E501
        ("- a", "must hold a mapping"),
        ("a: [", "is not valid YAML"),
        ("port: 1\nport: 2", "port is given twice"),
        ("kelly_fraction: true", "HIMARI_KELLY_FRACTION must be a number or text, not a boolean"),
        ("kelly:\n  min_edge: yes", "HIMARI_KELLY__MIN_EDGE must be a number or text"),
        ("config_file: x", "config_file in the configuration file is not a known setting"),
        ("kelly: 3", "HIMARI_KELLY must be a valid dictionary"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_named(
    in_file: Callable[[str], None], text: str, sentence: str
) -> None:
    in_file(text)
    (found,) = problems()
    assert sentence in found


@pytest.mark.parametrize("opening", ["[", "a: {b: [", "- "])
def test_a_file_nested_without_end_is_named(in_file: Callable[[str], None], opening: str) -> None:
    in_file("kelly_fraction: " * (opening == "[") + opening * 20_000)
    (found,) = problems()
    assert found.startswith("HIMARI_CONFIG_FILE: ")
    assert found.endswith("himari.yaml is not valid YAML: it is nested too deeply")


def test_a_variable_nested_without_end_is_named(variables: SetVariables) -> None:
    variables(RL_HEADERS="[" * 50_000)
    assert "HIMARI_RL_HEADERS must be valid JSON: it is nested too deeply" in problems()


def test_the_file_may_be_named_in_lower_case_as_every_variable(
    in_file: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_file("port: 9000")
    path = os.environ["HIMARI_CONFIG_FILE"]
    monkeypatch.delenv("HIMARI_CONFIG_FILE")
    monkeypatch.setenv("himari_config_file", path)
    loaded = load_settings()
    assert (loaded.port, loaded.config_file) == (9000, path)


def test_an_empty_file_is_fine(in_file: Callable[[str], None]) -> None:
    in_file("")
    assert load_settings().kelly_fraction == 0.25


def test_a_missing_file_is_named(variables: SetVariables) -> None:
    variables(CONFIG_FILE="/nowhere/himari.yaml")
    assert "/nowhere/himari.yaml cannot be read" in problems()[0]


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("PORTFOLIO_VALUE", "0"), ("PORTFOLIO_VALUE", "nan"), ("PORTFOLIO_VALUE", "inf"),
        ("KELLY_FRACTION", "0"), ("KELLY_FRACTION", "1.1"), ("KELLY_FRACTION", "x"),
        ("MAX_POSITION_PCT", "0"), ("MAX_POSITION_PCT", "15"), ("MAX_PORTFOLIO_PCT", "-1"),
        ("REBALANCE_SPAN", "0.5"), ("REBALANCE_SPAN", "-1"), ("REBALANCE_SPAN", "nan"),
        ("REBALANCE_HALF_LIFE_SEC", "-1"), ("SIGNALS__HORIZON_SEC", "0"),
        ("REGIME__PERIOD_SEC", "-1"), ("CASCADE__FORGET_SEC", "-1"),
        ("ALLOW_SHORT", "maybe"), ("PORT", "65536"), ("PORT", "80.5"), ("DRAIN_SEC", "-1"),
        ("RL_ENDPOINT", "localhost:8888"), ("RL_ENDPOINT", "ftp://host/x"),
        ("RL_ENDPOINT", "http:///predict"), ("RL_ENDPOINT", "http://host:99999/"),
        ("RL_TIMEOUT_SEC", "0"), ("RL_MIN_CONFIDENCE", "1.5"), ("RL_WIRE", "xml"),
        ("DATABASE_URL", "mysql://x"), ("SYNCHRONOUS", "OFF"), ("LOG_LEVEL", "LOUD"),
        ("API_KEYS", "a,,b"), ("API_KEYS", "a b"), ("API_KEYS", '["a'), ("API_KEYS", '{"a": 1}'),
        ("RL_HEADERS", "x"), ("RL_HEADERS", '{"a b": "c"}'), ("RL_HEADERS", '{"a": "c\\n"}'),
        ("TRADING__LOT_SIZES", "{"), ("TRADING__LOT_SIZES", '{"a": -1}'),
        ("LIMITS__GROUP_CAPS", '{"ghosts": 0.1}'),
        ("CIRCUIT_BREAKER__FAILURE_THRESHOLD", "0"),
        ("CIRCUIT_BREAKER__MAX_TIMEOUT_SEC", "29"),
        ("CIRCUIT_BREAKER__PROBE_LEASE_SEC", "5"),
        ("CASCADE__EXIT_ABOVE", "0.5"), ("SENTIMENT__NEUTRAL_LOW", "0.7"),
        ("MAX_IN_FLIGHT", "0"), ("MOCK_SEED", "-1"),
    ],
)  # fmt: skip
def test_a_value_out_of_range_refuses_to_start(
    variables: SetVariables, name: str, bad: str
) -> None:
    variables(**{name: bad})
    (sentence,) = problems()
    assert name.partition("__")[0].lower() in sentence.lower()


def test_all_mistakes_are_named_at_once(variables: SetVariables) -> None:
    variables(PORT="0x", KELLY_FRACTION="7", KELY="1", RL_WIRE="xml")
    assert len(problems()) == 4


@pytest.mark.parametrize("given", ["alpha, beta", '["alpha", "beta"]', "alpha,beta,alpha"])
def test_keys_come_between_commas_or_as_json(variables: SetVariables, given: str) -> None:
    variables(API_KEYS=given)
    assert load_settings().api_keys == (SecretStr("alpha"), SecretStr("beta"))


@pytest.mark.parametrize(
    ("enable", "mock", "mode"),
    [(False, False, "fallback"), (False, True, "fallback"), (True, True, "mock"),
     (True, False, "real")],
)  # fmt: skip
def test_mode_is_fallback_while_rl_is_off(enable: bool, mock: bool, mode: str) -> None:  # noqa: FBT001 - a table
    assert Settings(enable_rl=enable, use_mock_rl=mock).mode == mode


def test_the_probe_lease_outlives_a_call() -> None:
    assert Settings(rl_timeout_sec=100.0).to_breaker_params().probe_lease_sec == 200.0
    breaker = {"probe_lease_sec": 7.0}
    params = Settings.model_validate({"circuit_breaker": breaker}).to_breaker_params()
    assert dataclasses.asdict(params)["probe_lease_sec"] == 7.0


SECRET = {
    "API_KEYS": "hush1",
    "RL_API_KEY": "hush2",
    "RL_HEADERS": '{"X-Tunnel": "hush3"}',
    "DATABASE_URL": "postgresql://himari:hush4@db/himari?password=hush5",
    "RL_ENDPOINT": "https://user:hush6@host/predict",
}


def test_no_secret_is_shown(variables: SetVariables) -> None:
    variables(**SECRET)
    loaded = load_settings()
    assert "hush" not in repr(loaded) + str(loaded)
    assert loaded.model_dump(mode="json")["rl_headers"] == {"X-Tunnel": "**********"}


def test_no_secret_is_shown_in_a_mistake(variables: SetVariables) -> None:
    variables(API_KEYS="hush1 x", RL_HEADERS='{"b d": "hush"}', DATABASE_URL="mysql://a:hush@b")
    assert len(problems()) == 3
    assert not any("hush" in sentence for sentence in problems())
