"""docs/settings.md is what the settings are, and says why of each."""

import pytest
from pydantic import BaseModel

from app.settings import Settings, setting_names
from inference_server import settings as inference
from tests.tools.reference.settings_page import PAGE, names_of, page, unit_and_reason


@pytest.mark.parametrize("model", [Settings, inference.Settings])
def test_every_setting_has_unit_meaning_and_reason(model: type[BaseModel]) -> None:
    said = {
        name: (field.description, *unit_and_reason(field)) for name, field, _ in names_of(model)
    }
    assert not [
        name for name, (meaning, unit, why) in said.items() if not (meaning and unit and why)
    ]


def test_the_page_is_current() -> None:
    assert PAGE.read_text("ascii") == page(), "run python -m tests.tools.reference.settings_page"


def test_every_variable_that_the_servers_read_is_on_the_page() -> None:
    text = PAGE.read_text("ascii")
    groups = {"__".join(name.split("__")[:1]) for name in setting_names() if "__" in name}
    service = {name.removeprefix("HIMARI_") for name in setting_names() if name not in groups}
    server = {name.removeprefix(inference.PREFIX) for name in inference.setting_names()}
    assert not [name for name in service | server if f"| `{name}` |" not in text]
