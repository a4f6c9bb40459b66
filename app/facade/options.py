"""Arguments of the facade, checked against the ranges of the service's settings."""

import difflib
from collections.abc import Mapping
from typing import Any, Final

from pydantic import SecretStr, ValidationError

from app.adapters.policy.options import HttpPolicyOptions
from app.facade.plain import number_of
from app.settings import Settings

# In process there is no socket, no key of a caller and no queue.
_OF_THE_SERVER: Final = frozenset(
    {
        "api_keys",
        "body_timeout_sec",
        "circuit_breaker",
        "config_file",
        "drain_sec",
        "header_timeout_sec",
        "host",
        "keys_file",
        "log_level",
        "max_body_bytes",
        "max_header_bytes",
        "max_headers",
        "max_in_flight",
        "max_signals",
        "metrics_open",
        "port",
        "rate_limit_burst",
        "rate_limit_per_sec",
        "ssl_certfile",
        "ssl_keyfile",
    }
)
_OF_THE_JOURNAL: Final = frozenset({"database_url", "synchronous", "trading_state_at_first"})
_SECRET: Final = frozenset({"database_url", "rl_api_key", "rl_endpoint", "rl_headers"})


def engine_settings(**arguments: Any) -> Settings:
    """Return the settings of these arguments; the environment is not read.

    Raises
    ------
    ValueError
        Naming each argument that breaks its range, what must hold and what it was.
    TypeError
        If there is no such setting in process.
    """
    known = Settings.model_fields.keys() - _OF_THE_SERVER
    for name in arguments.keys() - known:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
        raise TypeError(f"{name} is not a setting of the engine; the nearest is {nearest}")
    try:
        return Settings(**_plain_numbers(arguments))
    except ValidationError as error:
        sentences = [_sentence(entry) for entry in error.errors(include_url=False)]
        raise ValueError("; ".join(sentences)) from None


def _plain_numbers(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments with numbers of numpy and Decimals as int or float, in groups as well."""
    return {
        name: _plain_numbers(value)
        if isinstance(value, Mapping)
        else value
        if (number := number_of(value)) is None
        else number
        for name, value in arguments.items()
    }


def engine_arguments(chosen: Settings) -> dict[str, Any]:
    """Return settings as arguments of the facade, without a journal."""
    names = Settings.model_fields.keys() - _OF_THE_SERVER - _OF_THE_JOURNAL
    return {name: getattr(chosen, name) for name in names}


def policy_options(chosen: Settings) -> HttpPolicyOptions:
    """Return the options of the policy client beyond endpoint and deadline."""
    return HttpPolicyOptions(
        api_key=_plain(chosen.rl_api_key),
        headers={name: value.get_secret_value() for name, value in chosen.rl_headers.items()},
        wire=chosen.rl_wire,
        max_concurrent=chosen.rl_max_concurrent,
        expected_model_version=chosen.rl_model_version,
        ca_file=chosen.rl_ca_file,
    )


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _sentence(entry: Any) -> str:
    path = [str(part) for part in entry["loc"]]
    message = entry["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    shown = "" if _SECRET & set(path) else f", was {entry['input']!r}"
    return f"{'.'.join(path)} {message}{shown}"
