"""Faults of the reply: it came, and no size may be made from it."""

import json
from collections.abc import Iterator
from typing import Final

from tests.adapters.policy.policy_server import (
    answering,
    flooding,
    good_row,
    guide_only,
    reset_on_accept,
    sending,
    stay_silent,
)
from tests.tools.chaos.broken_connections import CHUNKED
from tests.tools.chaos.fault import CONNECTION, INVALID, STATUS, TIMEOUT, USED, Family, Fault
from tests.tools.chaos.upstreams import (
    HUGE,
    Rows,
    bombing,
    each,
    flooding_to_the_end,
    number,
    served,
    telling,
    whole,
    without,
)

# The symbols of the batch that the matrix asks with.
SYMBOLS: Final = ("BTC-USD", "ETH-USD")
NAN_ROW: Final = json.dumps(good_row(position_pct=float("nan")))
HUGE_BODY: Final = f"HTTP/1.1 200 OK\r\ncontent-length: {HUGE}\r\n\r\n".encode()


def bodies() -> Iterator[Fault]:
    """Bodies that are not the JSON they should be."""
    family = Family("Body")
    one = whole([good_row()])
    given: dict[str, bytes | str] = {
        "malformed JSON": '{"predictions": [',
        "HTML": "<html><body>It works!</body></html>",
        "empty body": "",
        "null": "null",
        "a list": "[1, 2]",
        "no predictions": "{}",
        "predictions are an object": '{"predictions": {}}',
        "duplicate key": '{"predictions": [], ' + one[1:],
        "deep nesting of lists": "[" * 60_000,
        "deep nesting of objects": '{"a":' * 12_000,
        "bad UTF-8": one.encode()[:-1] + b', "note": "\xff"}',
        "byte order mark": b"\xef\xbb\xbf" + one.encode(),
        "two documents": one + one,
    }
    for name, body in given.items():
        yield family.fault(name, served(answering(body)), INVALID)
    gzipped = {"content-encoding": "gzip"}
    yield family.fault("gzip nobody asked for", telling(whole, gzipped), INVALID)


def rows() -> Iterator[Fault]:
    """Rows that are not the numbers they should be."""
    family = Family("Rows")
    for name, spoil in {
        "NaN": number("position_pct", "NaN"),
        "Infinity": number("position_pct", "Infinity"),
        "-Infinity in a field nobody reads": number("extra", "-Infinity"),
        "1e999": number("position_pct", "1e999"),
        "10,000 digits": number("position_pct", "1" * 10_000),
        "position 1.5": each(position_pct=1.5),
        "confidence -0.1": each(confidence=-0.1),
        "volatility -1": each(predicted_volatility=-1.0),
        "true for a number": each(position_pct=True),
        "text for a number": each(position_pct="0.1"),
        "null for a number": each(confidence=None),
        "field missing": without("confidence"),
        "duplicate key in a row": _doubled,
        "row is no object": lambda given: whole([[] for _ in given]),  # type: ignore[misc]
        "one prediction too few": lambda given: whole(given[1:]),
        "one prediction too many": lambda given: whole([*given, good_row()]),
        "wrong model version": each(model_version="v0.9"),
        "no model version": without("model_version"),
        "version of 300 characters": each(model_version="v" * 300),
    }.items():
        yield family.fault(name, telling(spoil), INVALID)
    yield family.fault("unknown fields", telling(_more_than_asked), USED)
    yield family.fault("one row of several invalid", telling(_last_invalid), USED)


def size() -> Iterator[Fault]:
    """More than anybody asked for."""
    family = Family("Size")
    framed = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    yield family.fault("200 MB", served(flooding_to_the_end(HUGE_BODY)), INVALID)
    yield family.fault("chunks without end", served(flooding(CHUNKED, framed)), INVALID)
    huge_error = flooding_to_the_end(HUGE_BODY.replace(b"200 OK", b"500 No"))
    yield family.fault("500 with 200 MB", served(huge_error), STATUS)
    yield family.fault("gzip bomb, 200 MB", bombing, INVALID)
    values = '{"predictions": [' + "{}," * 20_000 + "{}]}"
    yield family.fault("20,000 empty rows", served(answering(values)), INVALID)


def statuses() -> Iterator[Fault]:
    """Answers that say no; their bodies are fine predictions, which must not be believed."""
    family = Family("Status")
    fine = whole([good_row()] * 3)
    for status in (500, 502, 503, 504, 408, 429, 999):
        yield family.fault(str(status), served(answering(fine, status)), STATUS)
    later = {"retry-after": "3600"}
    for status in (429, 503):
        name = f"{status} with Retry-After: 3600"
        yield family.fault(name, served(answering(fine, status, later)), STATUS)
    for status in (400, 401, 403, 413, 422):
        yield family.fault(str(status), served(answering(fine, status)), STATUS, own_mistake=True)
    for status in (301, 302, 307, 308):
        moved = answering(fine, status, {"location": "/predict/elsewhere"})
        yield family.fault(f"{status}, never followed", served(moved), STATUS)
    upgrade = sending(b"HTTP/1.1 101 Up\r\n\r\n")
    yield family.fault("101 that nobody asked for", served(upgrade), CONNECTION)
    yield family.fault("204", served(sending(b"HTTP/1.1 204 None\r\n\r\n")), INVALID)


def flat() -> Iterator[Fault]:
    """Servers that know only the single call: each row is asked, within the same deadline."""
    family = Family("No batch path", "flat")
    lost = answering("{}", 404)
    yield family.fault("404 to everything", served(lost), STATUS, own_mistake=True)
    for name, behave, reason in (
        ("every row hangs", stay_silent, TIMEOUT),
        ("every row is reset", reset_on_accept, CONNECTION),
        ("every row is NaN", answering(NAN_ROW), INVALID),
        ("every row is 500", answering("{}", 500), STATUS),
    ):
        yield family.fault(name, served(guide_only(rows=dict.fromkeys(SYMBOLS, behave))), reason)
    one_hangs = guide_only(rows={SYMBOLS[0]: stay_silent})
    yield family.fault("one row hangs", served(one_hangs), USED)
    yield family.fault("healthy", served(guide_only()), USED)


def _doubled(given: Rows) -> str:
    return whole(given).replace('"confidence"', '"confidence": 1, "confidence"')


def _more_than_asked(given: Rows) -> str:
    return whole([row | {"novel": [1, {"deep": None}]} for row in given], took_ms=3)


def _last_invalid(given: Rows) -> str:
    return whole([*given[:-1], given[-1] | {"confidence": 2}])
