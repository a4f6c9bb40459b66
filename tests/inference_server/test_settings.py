"""Settings: strict, frozen, and helpful when they refuse."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from inference_server.settings import (
    PREFIX,
    SHIPPED_MODELS,
    Settings,
    SettingsError,
    load_settings,
    setting_names,
)

SetVariables = Callable[..., None]


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> SetVariables:
    """Set variables of the prefix, and of it only these."""
    for name in setting_names():
        monkeypatch.delenv(name, raising=False)

    def set_them(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"{PREFIX}{name}", value)

    return set_them


def refusal() -> str:
    with pytest.raises(SettingsError) as error:
        load_settings()
    return str(error.value)


def test_defaults_are_the_contracts(variables: SetVariables) -> None:
    variables()
    settings = load_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8888)
    assert (settings.threads, settings.max_batch_rows) == (1, 32)
    assert (settings.model_dir, settings.model) == (SHIPPED_MODELS, "")
    assert settings.api_key is None
    assert settings.drain_sec == 1.0


def test_every_setting_is_described_and_can_come_from_the_environment(
    variables: SetVariables, tmp_path: Path
) -> None:
    assert all(field.description for field in Settings.model_fields.values())
    variables(
        PORT="9", MODEL_DIR=str(tmp_path), MODEL="v1.2-a", API_KEY="s3cret", LOG_LEVEL="debug",
        METRICS_OPEN="false", RUN_LIMIT_SEC="0.5",
    )  # fmt: skip
    settings = load_settings()
    assert (settings.port, settings.model_dir, settings.model) == (9, tmp_path, "v1.2-a")
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "s3cret"
    assert (settings.log_level, settings.metrics_open) == ("DEBUG", False)


def test_an_unknown_variable_refuses_to_start_and_names_the_nearest(
    variables: SetVariables,
) -> None:
    variables(MAX_BATCH_ROW="8")
    assert refusal() == (
        "HIMARI_INFERENCE_MAX_BATCH_ROW is not a known setting; "
        "the nearest is HIMARI_INFERENCE_MAX_BATCH_ROWS"
    )


def test_variables_of_the_allocation_service_are_not_ours(
    variables: SetVariables, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables()
    monkeypatch.setenv("HIMARI_KELLY_FRACTION", "0.3")
    assert load_settings().port == 8888


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("PORT", "eight"),
        ("MODEL", "../v1"),
        ("THREADS", "0"),
        ("MAX_BATCH_ROWS", "0"),
        ("MAX_ROWS_PER_REQUEST", "9000"),
        ("REQUEST_TIMEOUT_SEC", "nan"),
        ("REQUEST_TIMEOUT_SEC", "0"),
        ("DRAIN_SEC", "-1"),
        ("LOG_LEVEL", "LOUD"),
        ("QUEUE_ROWS", "100"),
    ],
)
def test_a_value_out_of_range_is_named_with_what_it_was(
    variables: SetVariables, name: str, value: str
) -> None:
    variables(**{name: value})
    said = refusal()
    assert f"HIMARI_INFERENCE_{name}" in said
    assert value in said


@pytest.mark.parametrize("key", ["two words", "caf\u00e9", "tab\t"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(
    variables: SetVariables, key: str
) -> None:
    variables(API_KEY=key)
    said = refusal()
    assert "HIMARI_INFERENCE_API_KEY must be visible ASCII" in said
    assert key not in said


def test_everything_wrong_is_said_at_once(variables: SetVariables) -> None:
    variables(PORT="x", THREADS="0", PROT="1")
    assert len(refusal().splitlines()) == 3


def test_settings_are_frozen_and_hide_the_key() -> None:
    settings = Settings(api_key="s3cret")
    assert "s3cret" not in repr(settings)
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]
