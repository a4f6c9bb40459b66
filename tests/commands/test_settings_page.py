"""docs/settings.md is what the settings are, and says why of each."""

import pytest
from pydantic import BaseModel

from app.settings import Settings, setting_names
from inference_server import settings as inference
from tests.tools.reference.settings_page import PAGE, names_of, page
from tests.tools.reference.settings_reasons import INFERENCE, SERVICE


@pytest.mark.parametrize(
    ("model", "reasons"), [(Settings, SERVICE), (inference.Settings, INFERENCE)]
)
def test_every_setting_has_unit_meaning_and_reason(
    model: type[BaseModel], reasons: dict[str, tuple[str, str]]
) -> None:
    known = {name: field.description for name, field, _ in names_of(model)}
    assert list(known) == list(reasons), "add it to settings_reasons.py, in the model's order"
    assert all(known.values())
    assert all(unit and reason for unit, reason in reasons.values())


def test_the_page_is_current() -> None:
    assert PAGE.read_text("ascii") == page(), "run python -m tests.tools.reference.settings_page"


def test_every_variable_that_the_servers_read_is_on_the_page() -> None:
    text = PAGE.read_text("ascii")
    groups = {"__".join(name.split("__")[:1]) for name in setting_names() if "__" in name}
    service = {name.removeprefix("HIMARI_") for name in setting_names() if name not in groups}
    server = {name.removeprefix(inference.PREFIX) for name in inference.setting_names()}
    assert not [name for name in service | server if f"| `{name}` |" not in text]
