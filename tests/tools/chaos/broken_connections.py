"""Faults of the connection: it is not made, it is silent, it breaks, it is slow."""

from collections.abc import Iterator
from typing import Final

from tests.adapters.policy.policy_server import (
    Behaviour,
    Conversation,
    close_on_accept,
    dripping,
    good_row,
    reset_on_accept,
    response,
    sending,
    sending_then_reset,
    stay_silent,
)
from tests.tools.chaos import toxics
from tests.tools.chaos.fault import CONNECTION, STATUS, TIMEOUT, USED, Family, Fault
from tests.tools.chaos.upstreams import (
    closed_port,
    flooding_to_the_end,
    full_backlog,
    interim_for_ever,
    proxied,
    refuse_unread,
    served,
    whole,
)

CHUNKED: Final = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
UNFRAMED: Final = b"HTTP/1.1 200 OK\r\n\r\n"
LONG_BODY: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n"
HALF_BODY: Final = response(b'{"predictions": [', length=500)
TOO_LATE_SEC: Final = 5.0


def connecting() -> Iterator[Fault]:
    """No connection, or one that ends before anything is said."""
    family = Family("Connecting")
    yield family.fault("refused", closed_port, CONNECTION)
    yield family.fault("never accepted", full_backlog, TIMEOUT)
    yield family.fault("RST on accept", served(reset_on_accept), CONNECTION)
    yield family.fault("FIN on accept", served(close_on_accept), CONNECTION)
    https = Family(family.name, "https")
    yield https.fault("TLS on a plain port", served(_speak_in_plain), CONNECTION)
    yield https.fault("TLS on a silent port", served(Conversation.until_left), TIMEOUT)
    # A resolver may take its time to say no.
    nameless = Family(family.name, "nameless")
    yield nameless.fault("name does not resolve", closed_port, CONNECTION, TIMEOUT)


def waiting() -> Iterator[Fault]:
    """Silence and drips: the deadline is for the whole exchange."""
    family = Family("Waiting")
    drip = response(b"x" * 500)
    yield family.fault("silence", served(stay_silent), TIMEOUT)
    yield family.fault("silence, request unread", served(Conversation.until_left), TIMEOUT)
    yield family.fault("headers a byte at a time", served(dripping(drip)), TIMEOUT)
    body = dripping(b" " * 500, whole=LONG_BODY)
    yield family.fault("body a byte at a time", served(body), TIMEOUT)
    chunks = dripping(b"1\r\n \r\n" * 99, whole=CHUNKED)
    yield family.fault("chunks of a byte", served(chunks), TIMEOUT)
    endless = dripping(b" " * 500, whole=UNFRAMED)
    yield family.fault("body without a length, dripping", served(endless), TIMEOUT)
    yield family.fault("100 Continue for ever", served(interim_for_ever()), TIMEOUT)


def conversation() -> Iterator[Fault]:
    """Answers that are cut off, or are not HTTP."""
    family = Family("Conversation")
    for name, behave in _broken_off().items():
        yield family.fault(name, served(behave), CONNECTION)
    # The refusal may be read before the reset is.
    yield family.fault("413 and RST before the request is read", served(refuse_unread), STATUS,
                       CONNECTION, own_mistake=True)  # fmt: skip


def _broken_off() -> dict[str, Behaviour]:
    return {
        "FIN instead of an answer": sending(b""),
        "RST instead of an answer": sending_then_reset(b""),
        "FIN in mid-headers": sending(HALF_BODY[:30]),
        "RST in mid-headers": sending_then_reset(HALF_BODY[:30]),
        "FIN in mid-body": sending(HALF_BODY),
        "RST in mid-body": sending_then_reset(HALF_BODY),
        "truncated chunk": sending(CHUNKED + b"40\r\n{"),
        "chunk size is no number": sending(CHUNKED + b"zz\r\n{}\r\n"),
        "last chunk missing": sending(CHUNKED + b"2\r\n{}\r\n"),
        "another protocol": sending(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        "binary noise": sending(b"\x00\x01\xff" * 50 + b"\r\n\r\n"),
        "headers without end": flooding_to_the_end(b"HTTP/1.1 200 OK\r\nx: "),
        "content-length is no number": sending(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"),
        "two content-lengths": sending(
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}"
        ),
    }


def through_the_proxy() -> Iterator[Fault]:
    """Toxics between the service and a healthy server."""
    family = Family("Healthy server, broken network")
    for name, arrange in {
        "answer 50 ms late": proxied(toxics.latency(0.05)),
        "answer in slices of a byte": proxied(toxics.sliced(1)),
        "slow close": proxied(toxics.slow_close(TOO_LATE_SEC)),
    }.items():
        yield family.fault(name, arrange, USED)
    row = whole([good_row()]).encode()
    for name, arrange in {
        "answer too late": proxied(toxics.latency(TOO_LATE_SEC)),
        "request too late": proxied(requests=(toxics.latency(TOO_LATE_SEC),)),
        "100 bytes a second back": proxied(toxics.bandwidth(100)),
        "500 bytes a second there": proxied(requests=(toxics.bandwidth(500),)),
        "slices of 10 bytes, 50 ms apart": proxied(toxics.sliced(10, 0.05)),
        "slow close of a body without a length": proxied(
            toxics.slow_close(TOO_LATE_SEC), behave=sending(UNFRAMED + row)
        ),
        "silence from the start": proxied(toxics.silence()),
        "silence in mid-answer": proxied(toxics.silence(after=120)),
        "request swallowed": proxied(requests=(toxics.silence(),)),
    }.items():
        yield family.fault(name, arrange, TIMEOUT)
    for name, arrange in {
        "RST before the answer": proxied(toxics.reset_after(0)),
        "RST in mid-answer": proxied(toxics.reset_after(120)),
        "FIN in mid-answer": proxied(toxics.limit_data(120)),
        "FIN in mid-request": proxied(requests=(toxics.limit_data(100),)),
    }.items():
        yield family.fault(name, arrange, CONNECTION)


async def _speak_in_plain(conversation: Conversation) -> None:
    await conversation.send(response(b"{}", 400))
