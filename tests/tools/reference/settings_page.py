"""Writes docs/settings.md: ``python -m tests.tools.reference.settings_page``.

Names, defaults, units, ranges, meanings and reasons are those of both servers' models.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from app import settings
from inference_server import settings as inference

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = ROOT / "docs" / "settings.md"
_HEADER: Final = "| name | default | unit | range | meaning | why that default |{live}\n"
_TOP: Final = """# Settings

Every setting of both servers, written by `make reference` from the code
that reads them. Environment variables, groups nested by `__`; or, for the service, a YAML file that
`HIMARI_CONFIG_FILE` names, with the same names in lower case and groups as mappings:

```yaml
max_position_pct: 0.10
limits:
  groups: {majors: [BTC-USD, ETH-USD]}
  group_caps: {majors: 0.25}
```

The environment wins over the file. Unknown names and values out of range refuse to start, all of
them named at once, each with the nearest known name. `himari init` writes the file with every
default; `himari doctor` says what is wrong with what is set. A change of any number that decisions
depend on is journalled, and shows as another `settings_hash`.
"""
_SERVICE: Final = """
## The service

Prefix `HIMARI_`. `live`: a change in the file holds from the next decision on, without a restart.

"""
_INFERENCE: Final = """
## The inference server

Prefix `HIMARI_INFERENCE_`, environment alone. A change needs a restart.

"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "ascii")


def page() -> str:
    """Text of the page."""
    service = "".join(_rows(settings.Settings, with_live=True))
    server = "".join(_rows(inference.Settings, with_live=False))
    return "".join(
        [
            _TOP,
            _SERVICE,
            _HEADER.format(live=" live |"),
            "| --- | --- | --- | --- | --- | --- | --- |\n",
            service,
            _INFERENCE,
            _HEADER.format(live=""),
            "| --- | --- | --- | --- | --- | --- |\n",
            server,
        ]
    )


def names_of(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, FieldInfo, str]]:
    """Every setting: as a variable without prefix, its field, its dotted path."""
    for name, field in model.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, BaseModel):
            yield from names_of(group, f"{above}{name}.")
        else:
            path = f"{above}{name}"
            yield path.replace(".", "__").upper(), field, path


def _rows(model: type[BaseModel], *, with_live: bool) -> Iterator[str]:
    for name, field, path in names_of(model):
        unit, reason = unit_and_reason(field)
        default = f"`{shown(field.get_default(call_default_factory=True))}`"
        meaning = (field.description or "").removesuffix(".").replace("|", "\\|")
        cells = [f"`{name}`", default, unit, _range(field), meaning, reason]
        if with_live:
            cells.append("yes" if settings.is_live(path) else "")
        yield f"| {' | '.join(cells)} |\n"


def unit_and_reason(field: FieldInfo) -> tuple[str, str]:
    """Read a setting's unit and the reason of its default; empty where it has none."""
    said = field.json_schema_extra
    if not isinstance(said, dict):
        return "", ""
    return str(said.get("unit", "")), str(said.get("why", ""))


def shown(value: Any) -> str:
    """Spell a default as the environment would."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Path):
        return str(value.relative_to(ROOT))
    if value in (None, (), ""):
        return "none"
    if isinstance(value, dict):
        return json.dumps(value)
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _range(field: FieldInfo) -> str:
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    found = [
        f"{sign} {getattr(limit, name):.12g}"
        for limit in field.metadata
        for name, sign in signs.items()
        if isinstance(getattr(limit, name, None), int | float)
    ]
    return ", ".join(found)


if __name__ == "__main__":
    main()
