"""Settings: the only reader of the environment and the configuration file.

Environment variables carry the prefix ``HIMARI_`` and win over the YAML file that
``HIMARI_CONFIG_FILE`` names; groups nest by ``__``, as in ``HIMARI_CIRCUIT_BREAKER__JITTER``.
Unknown names refuse to start; every mistake is named at once, in plain sentences.
"""

import difflib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from app.adapters.key_file import read_key_file
from app.core.access import KeyRing
from app.core.errors import KeyFileUnusable
from app.settings import values
from app.settings.model import Settings
from app.settings.setting import PREFIX

_FOREIGN: Final = "HIMARI_INFERENCE_"
INFERENCE_MODEL_DIR: Final = f"{_FOREIGN}MODEL_DIR"
_FILE_VARIABLE: Final = f"{PREFIX}CONFIG_FILE"
_SECRET: Final = frozenset(
    {"api_keys", "rl_api_key", "rl_headers", "database_url", "rl_endpoint"}
    | {"webhook_urls", "webhook_secret", "apprise_urls"}
)


class SettingsError(Exception):
    """The settings are unusable; ``problems`` has a sentence for each reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load_settings(*, check_files: bool = False) -> Settings:
    """Read the file that HIMARI_CONFIG_FILE names and the environment over it.

    Parameters
    ----------
    check_files : bool
        Open the files that settings name, as the service would: for who serves with them. Other
        commands make them, or need not be able to read them.

    Raises
    ------
    SettingsError
        With everything that is wrong: unknown names, unreadable values, broken ranges.
    """
    problems = list(_unknown_variables(os.environ))
    in_file = _file_values(_named_file(), problems)
    in_environment = _environment_values(problems)
    try:
        settings = Settings(**_merged(in_file, in_environment))
        problems += unusable_files(settings) if check_files else ()
    except ValidationError as error:
        # Unknown names are in the list already, with the nearest known one.
        problems += [
            _sentence(entry)
            for entry in error.errors(include_url=False)
            if entry["type"] != "extra_forbidden"
        ]
    else:
        if not problems:
            return settings
    raise SettingsError(problems)


def unusable_files(settings: Settings) -> Iterator[str]:
    """Open the files that settings name as the service would, and say what is wrong with them."""
    found: dict[str, str | None] = {}
    if settings.keys_file is not None:
        found["KEYS_FILE"] = _key_file_problem(Path(settings.keys_file), settings.key_ring())
    if settings.rl_ca_file is not None:
        path = settings.rl_ca_file
        found["RL_CA_FILE"] = _after(path, values.authorities_problem(path))
    if settings.ssl_certfile is not None:
        path = settings.ssl_certfile
        found["SSL_CERTFILE"] = _after(path, values.certificate_problem(path, settings.ssl_keyfile))
    yield from (f"{PREFIX}{name}: {problem}" for name, problem in found.items() if problem)


def _after(path: str, problem: str | None) -> str | None:
    return problem and f"{path} {problem}"


def _key_file_problem(path: Path, beside: KeyRing) -> str | None:
    try:
        read_key_file(path, beside)
    except KeyFileUnusable as error:
        return str(error)
    return None


def setting_names() -> tuple[str, ...]:
    """Every environment variable that the service knows, in the order of the fields."""
    return tuple(_variables())


def inference_model_dir() -> Path | None:
    """Model folder that the environment names for the inference server, or None."""
    named = os.environ.get(INFERENCE_MODEL_DIR)
    return Path(named) if named else None


def _variables() -> dict[str, bool]:
    """Known variables, and whether their value is JSON."""
    return {f"{PREFIX}{'__'.join(path).upper()}": as_json for path, as_json in _paths(Settings)}


def _paths(model: type[BaseModel]) -> Iterator[tuple[tuple[str, ...], bool]]:
    for name, field in model.model_fields.items():
        group = _group_of(field)
        yield (name,), group is not None or get_origin(field.annotation) is dict
        if group is not None:
            yield from (((name, *below), as_json) for below, as_json in _paths(group))


def _group_of(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    known = setting_names()
    for name in sorted(environ):
        plain = name.upper()
        if not plain.startswith(PREFIX) or plain.startswith(_FOREIGN) or plain in known:
            continue
        yield f"{name} is not a known setting{_suggestion(plain, known)}"


def _suggestion(name: str, known: tuple[str, ...]) -> str:
    matches = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    return f"; the nearest is {matches[0]}" if matches else ""


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which a key may stand once."""


def _mapping_of(loader: _UniqueKeys, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    repeated = [key for key in keys if keys.count(key) > 1]
    if repeated:
        raise yaml.constructor.ConstructorError(problem=f"{repeated[0]} is given twice")
    return loader.construct_mapping(node, deep=True)


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_of)


def _named_file() -> str | None:
    # names of variables count in either case, as for every other setting
    named = {name.upper(): value for name, value in os.environ.items()}
    return named.get(_FILE_VARIABLE) or None


def _file_values(name: str | None, problems: list[str]) -> dict[str, Any]:
    if name is None:
        return {}
    try:
        content = yaml.load(Path(name).read_text("utf-8"), _UniqueKeys)  # noqa: S506 - a SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{_FILE_VARIABLE}: {name} cannot be read: {error}")
        return {}
    except (yaml.YAMLError, RecursionError) as error:
        problems.append(f"{_FILE_VARIABLE}: {name} is not valid YAML: {_yaml_fault(error)}")
        return {}
    if content is None:
        return {}
    if not isinstance(content, dict):
        problems.append(f"{_FILE_VARIABLE}: {name} must hold a mapping of settings")
        return {}
    return _known_keys(content, Settings, (), problems)


def _yaml_fault(error: yaml.YAMLError | RecursionError) -> str:
    """Say what and where; the library's own text quotes the line, which may hold a secret."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if not isinstance(error, yaml.MarkedYAMLError):
        return type(error).__name__
    mark = error.problem_mark
    where = "" if mark is None else f", line {mark.line + 1}, column {mark.column + 1}"
    return f"{error.problem}{where}"


def _known_keys(
    content: Mapping[Any, Any], model: type[BaseModel], above: tuple[str, ...], problems: list[str]
) -> dict[str, Any]:
    """Keep known keys; name unknown ones, at every level that is a group."""
    known = tuple(name for name in model.model_fields if name != "config_file")
    kept: dict[str, Any] = {}
    for key, value in content.items():
        path = (*above, str(key))
        if key not in known:
            named = tuple(".".join((*above, name)) for name in known)
            shown = ".".join(path)
            problems.append(
                f"{shown} in the configuration file is not a known setting"
                f"{_suggestion(shown, named)}"
            )
            continue
        group = _group_of(model.model_fields[key])
        if group is not None and isinstance(value, dict):
            kept[key] = _known_keys(value, group, path, problems)
        else:
            kept[key] = value
    return kept


def _environment_values(problems: list[str]) -> dict[str, Any]:
    as_json = _variables()
    unreadable = [
        f"{name} must be valid JSON: {reason}"
        for name, value in os.environ.items()
        if value and as_json.get(name.upper()) and (reason := _json_error(value))
    ]
    problems += unreadable
    return {} if unreadable else EnvSettingsSource(Settings)()


def _json_error(text: str) -> str | None:
    try:
        json.loads(text)
    except ValueError as error:
        return str(error)
    except RecursionError:
        return "it is nested too deeply"
    return None


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay the environment over the file, group by group."""
    merged = dict(below)
    for name, value in above.items():
        under = merged.get(name)
        both = isinstance(under, dict) and isinstance(value, dict)
        merged[name] = {**under, **value} if both else value  # type: ignore[dict-item]
    return merged


def _sentence(entry: Any) -> str:
    location = [str(part) for part in entry["loc"]]
    name = f"{PREFIX}{'__'.join(location).upper()}" if location else "settings"
    message: str = entry["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    if entry["type"] == "value_error" and not entry["loc"]:
        return message
    # the message names a whole group already, and the group may hold secrets
    secret = isinstance(entry["input"], dict) or {part.lower() for part in location} & _SECRET
    shown = "" if secret else f", was {entry['input']!r}"
    return f"{name} {message}{shown}"
