"""Production questions to the machine: files, disk, clock."""

import shutil
import stat
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

from app.commands.doctor import CONFIG_VARIABLE, check_journal, sqlite_path
from app.commands.doctor_verdict import Deployment, Verdict, no, not_applicable, yes
from app.commands.keys import FILE_NAME as KEYS_NAME
from app.commands.starter import CONFIG_NAME, SECRETS_NAME
from app.settings import Settings, without_password

_LEAST_BYTES: Final = 1_000_000_000
_LEAST_SHARE: Final = 0.05
_MOST_OFF_SEC: Final = 5.0
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def check_config_file(deployment: Deployment) -> Verdict:
    """Check whether the configuration that stands here is the one in force."""
    named = deployment.settings.config_file
    if named is None and Path(CONFIG_NAME).exists():
        return no(f"{CONFIG_NAME} stands here unread", f"set {CONFIG_VARIABLE}={CONFIG_NAME}")
    return yes(f"known names, values in range, file {named or 'none'}")


def check_journal_opens(deployment: Deployment) -> Verdict:
    """Check whether the journal opens, as the service would open it."""
    found = check_journal(deployment.settings)
    return yes(found.text) if found.level == "OK" else no(found.text, found.remedy)


def check_disk(deployment: Deployment) -> Verdict:
    """Check whether the journal's disk has room to grow."""
    path = sqlite_path(deployment.settings.database_url)
    if path is None:
        shown = without_password(deployment.settings.database_url)
        return not_applicable(f"{shown} has a disk of its own; look there")
    folder = path.resolve().parent
    if not folder.is_dir():
        return no(f"{folder} is missing", "make it, or set HIMARI_DATABASE_URL")
    usage = shutil.disk_usage(folder)
    share = usage.free / usage.total
    text = f"{usage.free / 1e9:.1f} GB free, {share:.0%} of the disk of {folder}"
    if usage.free < _LEAST_BYTES or share < _LEAST_SHARE:
        return no(text, f"free a gigabyte and {_LEAST_SHARE:.0%} at least, or move the journal")
    return yes(text)


def check_clock(deployment: Deployment) -> Verdict:
    """Check whether the clock is behind no file of ours, and agrees with the policy server's."""
    newest = max(path.stat().st_mtime for path in _dated_files(deployment.settings))
    if time.time() < newest - _MOST_OFF_SEC:
        return no("the clock is behind files written here", "synchronise it (NTP)")
    offset = _offset_sec(deployment)
    if offset is not None and abs(offset) > _MOST_OFF_SEC:
        return no(f"{offset:+.0f} s from the policy server's clock", "synchronise both (NTP)")
    beside = "" if offset is None else f", {offset:+.0f} s from the policy server's"
    return yes(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC{beside}")


def _dated_files(settings: Settings) -> Iterator[Path]:
    yield Path(__file__)
    path = sqlite_path(settings.database_url)
    if path is not None and path.exists():
        yield path


def _offset_sec(deployment: Deployment) -> float | None:
    """Our clock less the policy server's, as its Date header has it, seconds."""
    if deployment.settings.mode != "real":
        return None
    reply = deployment.get_from_policy("/health/live")
    try:
        theirs = parsedate_to_datetime(reply.headers["date"]) if reply is not None else None
    except (KeyError, ValueError):
        return None
    return None if theirs is None else time.time() - theirs.timestamp()


def check_file_modes(deployment: Deployment) -> Verdict:
    """Check whether nobody but their owner may touch the files that hold secrets."""
    found = [path for path in _secret_files(deployment.settings) if path.is_file()]
    if not found:
        return not_applicable("no file here holds a secret")
    open_to_others = [str(path) for path in found if path.stat().st_mode & _OTHERS]
    if open_to_others:
        names = " ".join(open_to_others)
        return no(f"{names} may be read or written by others", f"chmod 600 {names}")
    return yes(", ".join(map(str, found)))


def _secret_files(settings: Settings) -> Iterator[Path]:
    yield Path(SECRETS_NAME)
    yield Path(settings.keys_file or KEYS_NAME)
    if settings.ssl_certfile is not None:
        yield Path(settings.ssl_keyfile or settings.ssl_certfile)
    path = sqlite_path(settings.database_url)
    if path is not None:
        yield path
