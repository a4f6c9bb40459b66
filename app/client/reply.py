"""One HTTP answer, and its body read as JSON, text or error."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

from app.client.errors import Refused, UnusableAnswer, refusal


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, header fields by their lower-case names, and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def is_json(self) -> bool:
        """Return whether its content type is JSON, and not a problem."""
        return self.headers.get("content-type", "").startswith("application/json")

    def document(self) -> Any:
        """Return the body as a JSON object.

        Raises
        ------
        UnusableAnswer
            If it is something else.
        """
        try:
            found = json.loads(self.body, parse_constant=_refuse_constant)
        except ValueError as error:
            raise UnusableAnswer(f"{self.status} without usable JSON: {error}") from error
        if not isinstance(found, dict):
            raise UnusableAnswer(f"{self.status} with JSON that is no object")
        return found

    def text(self) -> str:
        """Return the body as text.

        Raises
        ------
        UnusableAnswer
            If it is not UTF-8.
        """
        try:
            return self.body.decode()
        except UnicodeDecodeError as error:
            raise UnusableAnswer(f"{self.status} with a body that is not UTF-8") from error

    def refusal(self) -> Refused:
        """Return the error of its status; without problem+json (a proxy's) it has no more."""
        try:
            problem = self.document()
        except UnusableAnswer:
            problem = {}
        return refusal(self.status, problem, self._retry_after_sec())

    def _retry_after_sec(self) -> float | None:
        value = self.headers.get("retry-after", "").strip()
        if value.isdecimal():
            return float(value[:9])
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        return max(0.0, moment.timestamp() - time.time())


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
