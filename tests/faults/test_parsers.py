"""Every reader of bytes from outside: whatever they are, it reads them or says why not."""

import asyncio
import contextlib
import gzip
import json
import math
import random
import tempfile
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.adapters.policy.post import retry_after_sec
from app.adapters.policy.wire import UnusableReply, decode_batch
from app.api.request import examples
from app.api.request.strict_json import strict_json
from app.core.errors import InvalidInput
from app.history.prices import PricePanel, PricesInvalid, read_price_csv
from app.history.quality import measure_quality
from app.history.quality_warnings import quality_warnings
from app.settings import SettingsError, load_settings
from edge.problems import BodyTooLarge
from inference_server.errors import RequestUnusable
from inference_server.wire import Wire, parse_object
from tests.adapters.policy.policy_server import good_row
from tests.api.site import build_site
from tests.inference_server.signals import batch_signal
from tests.tools.chaos.batch import BATCH
from tests.tools.chaos.caller import Caller
from tests.tools.chaos.service import Service
from tests.tools.chaos.upstreams import whole

JSON_BODY = json.dumps(examples.ALLOCATE).encode()
REPLY = whole([good_row(), good_row()]).encode()
PACKED = msgpack.packb({"signals": [batch_signal()]}, default=list)
YAML = b"portfolio_value: 5e4\nport: 8001\ncircuit_breaker:\n  jitter: 0.1\nallow_short: true\n"
PRICES = b"date,BTC-USD,ETH-USD\n2024-01-01,42000.5,2300\n2024-01-02,,2310.25\n"
FIELDS = b"date,Open,Close,Volume\n2024-01-01,1,42000.5,5\n2024-01-02,1,,n/a\n2024-01-03,1,4,5\n"
NOW_NS = 1_735_226_000_000_000_000

patches = st.binary(max_size=6) | st.sampled_from(
    [
        b"\x00",
        b"\xff",
        b'"',
        b"{",
        b"[",
        b"NaN",
        b"1e999",
        b"-",
        b",",
        b":",
        b"\n",
        b"*a",
        b"&a ",
        b"!!",
    ]
)


def damaged(whole_bytes: bytes) -> st.SearchStrategy[bytes]:
    """Cut a piece out of a good text and put another in its place; or take any bytes at all."""
    spots = st.tuples(st.integers(0, len(whole_bytes)), st.integers(0, 20), patches)
    return spots.map(lambda s: whole_bytes[: s[0]] + s[2] + whole_bytes[s[0] + s[1] :]) | st.binary(
        max_size=120
    )


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({key for key, _ in pairs}) == len(pairs), "a key stands twice"
    return dict(pairs)


@settings(max_examples=300, deadline=None)
@given(damaged(JSON_BODY))
@example(b"[" * 100_000)
@example(b'{"a":' * 5_000)
@example(b"1" * 10_000)
@example(b'{"a": "\\ud800"}')
@example(b'{"a": 1, "\\u0061": 2}')
def test_what_the_strict_decoder_takes_is_exact_json_and_means_the_same(raw: bytes) -> None:
    try:
        read = strict_json(raw)
    except (InvalidInput, BodyTooLarge):
        return
    assert read == json.loads(raw.decode("utf-8"), object_pairs_hook=once)
    assert json.loads(json.dumps(read, allow_nan=False)) == read


@settings(max_examples=200, deadline=None)
@given(damaged(REPLY))
def test_a_damaged_reply_of_the_policy_gives_valid_rows_or_is_unusable(raw: bytes) -> None:
    try:
        rows = decode_batch(raw, 2)
    except UnusableReply:
        return
    assert len(rows) == 2
    assert all(row is None or abs(row.position_pct) <= 1.0 for row in rows)


DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    *(
        st.sampled_from(["Mon", "Fri", ""]),
        st.integers(0, 40),
        st.sampled_from(["Jan", "Dec", "x"]),
    ),
    *(st.integers(0, 99_999), st.integers(0, 30), st.integers(0, 70), st.integers(0, 70)),
    st.sampled_from(["GMT", "", "+9999", "-0001", "+99999999"]),
)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | DATES)
@example("Fri, 31 Dec 9999 23:59:59 -9999")
@example("Mon, 01 Jan 0001 00:00:00 +2359")
@example("0" * 5_000 + "1")
def test_any_retry_after_is_a_wait_of_zero_or_more(value: str) -> None:
    assert retry_after_sec(value, NOW_NS) >= 0.0


@pytest.mark.parametrize(("wire", "good"), [("json", JSON_BODY), ("msgpack", PACKED)])
def test_any_request_to_the_inference_server_is_an_object_or_unusable(
    wire: Wire, good: bytes
) -> None:
    @settings(max_examples=200, deadline=None)
    @given(damaged(good))
    def parse(raw: bytes) -> None:
        try:
            assert isinstance(parse_object(raw, wire), dict)
        except RequestUnusable:
            return

    parse()


HEADERS = st.binary(max_size=40).filter(lambda value: not {0, 10, 13} & set(value))


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("Idempotency-Key", {200, 422}),
        ("Content-Type", {200, 415}),
        ("Content-Encoding", {200, 415}),
        ("X-Request-Id", {200}),
        ("Authorization", {200}),
    ],
)
def test_any_header_is_taken_or_refused(name: str, statuses: set[int]) -> None:
    site = build_site()

    async def send(value: bytes) -> int:
        headers = {b"content-type": b"application/json", name.lower().encode(): value}
        answer = await site.client.post("/allocate", content=JSON_BODY, headers=headers)
        return answer.status_code

    @settings(max_examples=40, deadline=None)
    @given(HEADERS)
    def ask(value: bytes) -> None:
        assert asyncio.run(send(value)) in statuses

    ask()


async def test_any_bytes_on_the_socket_leave_the_service_answering(
    plain: tuple[Service, Caller],
) -> None:
    service, caller = plain
    head = b"POST /allocate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
    good = head + f"content-length: {len(JSON_BODY)}\r\n\r\n".encode() + JSON_BODY
    draw = random.Random(7)
    for _ in range(150):
        start, length = draw.randrange(len(head) + 40), draw.randrange(12)
        patch = draw.randbytes(draw.randrange(8))
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(good[:start] + patch + good[start + length :])
        writer.write_eof()
        with contextlib.suppress(ConnectionResetError):
            answer = await asyncio.wait_for(reader.read(), 5.0)
            assert b" 500 " not in answer.partition(b"\r\n")[0]
        writer.close()
    assert (await caller.ask("GET", "/health/ready")).status == 200
    assert (await caller.ask("POST", "/allocate", BATCH)).status == 200


@pytest.fixture
def config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "himari.yaml"
    monkeypatch.setenv("HIMARI_CONFIG_FILE", str(path))
    return path


def test_any_configuration_file_is_read_or_refused_in_sentences(config_file: Path) -> None:
    @settings(max_examples=300, deadline=None)
    @given(damaged(YAML))
    @example(b"a: &a [*a]\n")
    @example(b"port: &a {b: *a}\n")
    @example(b"? [1, 2]\n: 3\n")
    @example(b"!!python/object/apply:os.system ['true']\n")
    @example(b"port: 0o17\nport: 1\n")
    @example(b"1: 2\nnull: 3\n2024-01-01: 4\n")
    def read(raw: bytes) -> None:
        config_file.write_bytes(raw)
        try:
            assert math.isfinite(load_settings().portfolio_value)
        except SettingsError:
            return

    read()


@pytest.mark.parametrize("packed", [False, True])
def test_any_price_file_is_a_table_of_prices_or_is_refused(tmp_path: Path, *, packed: bool) -> None:
    path = tmp_path / ("prices.csv.gz" if packed else "prices.csv")

    @settings(max_examples=300, deadline=None)
    @given(damaged(gzip.compress(PRICES, mtime=0) if packed else PRICES))
    def read(raw: bytes) -> None:
        path.write_bytes(raw)
        try:
            panel = read_price_csv(path)
        except PricesInvalid:
            return
        assert_prices(panel)

    read()


@settings(max_examples=300, deadline=None)
@given(damaged(FIELDS), st.sampled_from(["Close", "A=Close", "Volume", "=", ""]))
@example(FIELDS, "A=Close")
def test_any_file_of_fields_is_one_instrument_or_is_refused(raw: bytes, column: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "A.csv")
        path.write_bytes(raw)
        try:
            panel = read_price_csv(path, column)
        except PricesInvalid:
            return
    assert_prices(panel)
    assert panel.closes.shape[1] == 1


def assert_prices(panel: PricePanel) -> None:
    assert len(panel.dates) == len(panel.closes) >= 1
    assert panel.closes.shape[1] == len(set(panel.symbols)) >= 1
    known = panel.closes[~np.isnan(panel.closes)]
    assert (known > 0.0).all()
    assert np.isfinite(known).all()
    assert all(quality_warnings(measure_quality(panel)))
