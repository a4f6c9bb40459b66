"""The model card is read strictly."""

import json
from datetime import date
from typing import Any

import pytest

from inference_server.errors import ModelRefused
from inference_server.model.card import parse_card
from tests.inference_server.folders import CARD


def test_a_card_is_read_as_it_is_written() -> None:
    written = CARD | {
        "alpha": {"long_flat": 0.0, "long_short": 1},
        "details": {"features": [1, 2]},
    }
    card = parse_card(json.dumps(written).encode())
    assert card.created == date(2026, 11, 20)
    assert dict(card.alpha) == {"long_flat": 0.0, "long_short": 1.0}
    assert card.details == {"features": [1, 2]}


def test_the_least_history_is_250_returns_unless_the_card_says_otherwise() -> None:
    short = {name: value for name, value in CARD.items() if name != "min_returns"}
    assert parse_card(json.dumps(short).encode()).min_returns == 250


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": "../v1"}, "version"),
        ({"kind": ""}, "kind"),
        ({"created": "yesterday"}, "created"),
        ({"created": 5}, "created"),
        ({"description": None}, "description"),
        ({"alpha": {"long_flat": 0.5}}, "must name long_flat and long_short"),
        ({"alpha": {"long_flat": 0.5, "long_short": 1.5}}, "alpha.long_short"),
        ({"alpha": {"long_flat": True, "long_short": 1.0}}, "alpha.long_flat"),
        ({"alpha": {"long_flat": "1", "long_short": 1.0}}, "alpha.long_flat"),
        ({"alpha": {"long_flat": 0, "long_short": 0, "short_only": 0}}, "alpha"),
        ({"confidence": {"long_flat": 0.4, "long_short": 0.5}}, "must be 0 or at least 0.5"),
        ({"min_returns": 257}, "min_returns"),
        ({"min_returns": 2.5}, "min_returns"),
        ({"alhpa": {}}, "alhpa"),
    ],
)
def test_a_card_that_is_not_right_is_refused_and_says_where(
    change: dict[str, Any], said: str
) -> None:
    with pytest.raises(ModelRefused) as refusal:
        parse_card(json.dumps(CARD | change).encode())
    assert str(refusal.value).startswith("card.json: ")
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{",
        b'{"version": "v1", "version": "v2"}',
        b"\xff",
        b"[" * 100_000,
        json.dumps(CARD).replace("250", "NaN").encode(),
    ],
)
def test_what_is_not_one_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(ModelRefused, match=r"card\.json"):
        parse_card(raw)
