"""A caller of the service on one kept connection; so little code that it costs next to no time."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of one answer."""

    status: int
    body: bytes

    def document(self) -> dict[str, Any]:
        """Decode the body."""
        document: dict[str, Any] = json.loads(self.body)
        return document


class Caller:
    """Ask one server on loopback, one question after another.

    Parameters
    ----------
    port : int
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: bytes = b"", *, key: str | None = None
    ) -> Answer:
        """Send one request, with an Idempotency-Key or without, and read its answer.

        Cancelled, it closes the connection, as a caller does who gives up.

        Raises
        ------
        OSError, EOFError
            If there is nobody, or half an answer.
        """
        try:
            reader, writer = self._streams or await self._connect()
            named = f"idempotency-key: {key}\r\n" if key else ""
            head = (
                f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{self._port}\r\n"
                f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
                f"{named}\r\n"
            )
            writer.write(head.encode("ascii") + body)
            return await _read_answer(reader)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        return self._streams


async def _read_answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length:")[2].split("\r\n")[0])
    return Answer(int(head.split(" ")[1]), await reader.readexactly(length))
