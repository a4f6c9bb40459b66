"""``himari replay``: recompute journalled decisions and compare them to the last bit."""

from typer import echo

from app.adapters.journal.stores import place_of_url
from app.commands.refusal import CommandRefused
from app.core.errors import JournalUnavailable
from app.replay import Difference, ReplayReport, replay_journal
from app.settings import load_settings

_SHOWN = 20


def replay(
    database_url: str | None, *, decision_id: str | None, limit: int | None, stream: int
) -> int:
    """Replay one stream of a journal; print where it is and how many decisions came out equal.

    Returns
    -------
    int
        0 if all were equal, else 1.

    Raises
    ------
    CommandRefused
        If the journal cannot be read, or holds no such decision.
    """
    url = database_url or load_settings().database_url
    echo(f"journal {_place(url)}{f', stream {stream}' if stream else ''}")
    report = _replayed(url, decision_id, limit, stream)
    if report.compared == 0:
        what = f"no decision {decision_id}" if decision_id else "no decision"
        raise CommandRefused(f"{what} in stream {stream} of the journal ({report.events} events)")
    different = report.compared - report.equal
    echo(
        f"{report.events} events, {report.compared} decisions compared, {report.equal} equal, "
        f"{different} different"
    )
    for difference in report.differences[:_SHOWN]:
        echo(_line(difference))
    if len(report.differences) > _SHOWN:
        echo(f"... and {len(report.differences) - _SHOWN} differences more")
    return 1 if different else 0


def _place(url: str) -> str:
    try:
        return place_of_url(url)
    except JournalUnavailable as error:
        raise _refused(error) from error


def _replayed(url: str, decision_id: str | None, limit: int | None, stream: int) -> ReplayReport:
    try:
        return replay_journal(url, stream=stream, decision_id=decision_id, limit=limit)
    except JournalUnavailable as error:
        raise _refused(error) from error


def _refused(error: JournalUnavailable) -> CommandRefused:
    return CommandRefused(f"{error}; name the journal with --database-url or HIMARI_DATABASE_URL")


def _line(difference: Difference) -> str:
    journalled, computed = (
        repr(value)[:200] for value in (difference.journalled, difference.computed)
    )
    request = f" (request {difference.request_id})" if difference.request_id else ""
    which = f"{difference.decision_id}{request} {difference.path}"
    return f"{which}: journalled {journalled}, now {computed}"
