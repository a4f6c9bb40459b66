"""``himari doctor --production``: the production checklist, each item with yes or no."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from typer import echo

from app.commands import doctor_machine as machine
from app.commands import doctor_settings as chosen
from app.commands import doctor_stack as stack
from app.commands.doctor_verdict import Place, ProductionOptions, Verdict, no
from app.commands.refusal import CommandRefused
from app.core.errors import HimariError
from app.facade.host_log import log_through_the_host
from app.settings import SettingsError, load_settings

Look = Callable[[Place], Verdict]

# docs/production.md has the same subjects in the same order
CHECKLIST: Final[Mapping[str, Look]] = {
    "mode": chosen.mode_chosen,
    "breaker": chosen.breaker_set,
    "metrics": stack.metrics_on,
    "dashboards": stack.dashboards_there,
    "fallback": stack.fallback_tested,
    "comparison": stack.comparison_fed,
    "settings": machine.file_read,
    "keys": chosen.keys_set,
    "roles": chosen.roles_apart,
    "callers": chosen.callers_private,
    "policy-hop": chosen.policy_private,
    "files": machine.files_private,
    "limits": chosen.limits_sane,
    "brakes": chosen.brakes_on,
    "stale": chosen.stale_refused,
    "journal": machine.journal_writable,
    "durability": chosen.commits_full,
    "disk": machine.disk_has_room,
    "clock": machine.clock_sane,
    "policy": stack.policy_answers,
    "policy-health": stack.policy_healthy,
    "version": chosen.version_pinned,
    "timeouts": chosen.timeouts_nested,
    "service": stack.service_ready,
    "trading": stack.trading_active,
    "prometheus": stack.scraped,
    "alerts": stack.alerts_arrive,
}


def doctor_production(options: ProductionOptions) -> int:
    """Print a line for each item of the checklist; change nothing.

    Returns
    -------
    int
        0 if no answer is no, else 1.

    Raises
    ------
    CommandRefused
        If there is no such item.
    """
    if options.only and options.only not in CHECKLIST:
        names = ", ".join(CHECKLIST)
        raise CommandRefused(f"--only must be one of {names}, was {options.only}")
    log_through_the_host()
    answers = []
    for subject, verdict in verdicts(options):
        echo(verdict.line(subject))
        answers.append(verdict.answer)
    if not options.only:
        echo(", ".join(f"{answers.count(each)} {each}" for each in ("yes", "no", "not applicable")))
    return 1 if "no" in answers else 0


def verdicts(options: ProductionOptions) -> Iterator[tuple[str, Verdict]]:
    """Answer each item in order; unusable settings are the one answer where there are any."""
    try:
        place = Place(load_settings(check_files=True), options)
    except SettingsError as error:
        for problem in error.problems:
            yield "settings", no(problem, "correct it, or unset it for the default")
        return
    for subject in (options.only,) if options.only else CHECKLIST:
        yield subject, _looked(CHECKLIST[subject], place)


def _looked(look: Look, place: Place) -> Verdict:
    try:
        return look(place)
    except (HimariError, OSError) as error:
        return no(str(error), "mend that first")
