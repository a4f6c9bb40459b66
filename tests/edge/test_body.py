"""What a body is said to be."""

import pytest

from edge.body import is_json, media_type


@pytest.mark.parametrize(
    ("given", "json"),
    [
        ("application/json", True),
        (" Application/JSON ; charset=UTF-8", True),
        ('application/problem+json; charset="utf8"', True),
        ("application/json; charset=latin-1", False),
        ("text/json", False),
        ("application/msgpack", False),
        ("", False),
    ],
)
def test_json_is_known_by_its_type_and_its_encoding(given: str, *, json: bool) -> None:
    assert is_json(given) is json


def test_a_media_type_is_read_without_its_parameters() -> None:
    assert media_type(" Application/MsgPack; x=1") == "application/msgpack"
