"""The log of trials: every training that was tried, one line of JSON each, never rewritten.

A result is only as good as the number of attempts it was chosen from, so the file is committed,
grows at the end only, and the deflated Sharpe ratio counts its lines.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError

LOG: Final = Path(__file__).resolve().parent.parent / "trials.jsonl"


class TrialRefused(ValueError):
    """The trial is in the log already, or the log cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One training and what came of it.

    Parameters
    ----------
    id : str
        Unique in the log.
    what : str
        What was tried, in words.
    seeds : tuple of int
    universe : str
    case : str
        ``long_flat`` or ``long_short``.
    settings_digest : str
        From :func:`digest_settings`.
    validation_sharpe, validation_gain, test_sharpe, test_gain : float or None
        Annual; gains are over smoothed Kelly; None where it was not run.
    date : str
        ISO 8601.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    id: str
    what: str
    seeds: tuple[int, ...]
    universe: str
    case: str
    settings_digest: str
    validation_sharpe: float | None = None
    validation_gain: float | None = None
    test_sharpe: float | None = None
    test_gain: float | None = None
    date: str = ""


TRIAL: Final = TypeAdapter(Trial)


def record_trial(trial: Trial, path: Path = LOG) -> int:
    """Append one trial, whole or not at all, and return how many the log now holds.

    Several processes may record at once: each holds the file's lock while it reads the ids and
    writes its line in one call, and the line is on disk on return.

    Raises
    ------
    TrialRefused
        If the id is in the log already, a number is not finite, or the log cannot be read.
    """
    line = _encode(trial)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        earlier = read_trials(path)
        if any(each.id == trial.id for each in earlier):
            raise TrialRefused(f"id of a trial must be new, was {trial.id!r} in {path.name}")
        _append_whole(handle, line)
    finally:
        os.close(handle)
    return len(earlier) + 1


def read_trials(path: Path = LOG) -> tuple[Trial, ...]:
    """Read the log in order; a missing file is an empty one.

    Raises
    ------
    TrialRefused
        At the first line that is torn, malformed, or has the id of an earlier one.
    """
    if not path.is_file():
        return ()
    text = path.read_text(encoding="utf-8")
    if text and not text.endswith("\n"):
        raise TrialRefused(f"{path.name}: the last line must be whole, was cut short")
    trials = tuple(
        _decode(line, f"{path.name} line {number}")
        for number, line in enumerate(text.splitlines(), 1)
    )
    seen: set[str] = set()
    for number, trial in enumerate(trials, 1):
        if trial.id in seen:
            raise TrialRefused(f"{path.name} line {number}: id must be new, was {trial.id!r}")
        seen.add(trial.id)
    return trials


def count_trials(path: Path = LOG) -> int:
    """Count the trials in the log, failures included."""
    return len(read_trials(path))


def sharpes_of(trials: tuple[Trial, ...], case: str, universe: str) -> tuple[float, ...]:
    """Annual test Sharpe ratios of the trials of one case and universe that were tested."""
    return tuple(
        trial.test_sharpe
        for trial in trials
        if trial.case == case and trial.universe == universe and trial.test_sharpe is not None
    )


def digest_settings(settings: Mapping[str, Any]) -> str:
    """First 16 hex digits of the SHA-256 of the settings as canonical JSON."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _append_whole(handle: int, line: bytes) -> None:
    size = os.fstat(handle).st_size
    if os.write(handle, line) != len(line):
        os.ftruncate(handle, size)
        raise OSError(f"a line of {len(line)} bytes did not fit on the disk")
    os.fsync(handle)


def _encode(trial: Trial) -> bytes:
    try:
        return json.dumps(asdict(trial), sort_keys=True, allow_nan=False).encode() + b"\n"
    except ValueError as error:
        raise TrialRefused(f"numbers of trial {trial.id!r} must be finite: {error}") from error


def _decode(line: str, where: str) -> Trial:
    try:
        return TRIAL.validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise TrialRefused(f"{where}: {field or 'line'}: {first['msg']}") from error
