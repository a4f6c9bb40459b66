"""``himari doctor --production``: the production checklist, each item with yes or no."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from typer import echo

from app.commands import doctor_machine as machine
from app.commands import doctor_settings as settings
from app.commands import doctor_stack as stack
from app.commands.doctor_verdict import Deployment, ProductionOptions, Verdict, no
from app.commands.refusal import CommandRefused
from app.core.errors import HimariError
from app.facade.host_log import log_through_the_host
from app.settings import SettingsError, load_settings

Check = Callable[[Deployment], Verdict]

# docs/production.md has the same subjects in the same order
CHECKLIST: Final[Mapping[str, Check]] = {
    "mode": settings.check_mode,
    "breaker": settings.check_breaker,
    "metrics": stack.check_metrics,
    "dashboards": stack.check_dashboards,
    "fallback": stack.check_fallback_seen,
    "comparison": stack.check_outcomes,
    "settings": machine.check_config_file,
    "keys": settings.check_keys,
    "roles": settings.check_roles,
    "callers": settings.check_caller_tls,
    "policy-hop": settings.check_policy_tls,
    "files": machine.check_file_modes,
    "limits": settings.check_limits,
    "brakes": settings.check_brakes,
    "stale": settings.check_signal_age,
    "journal": machine.check_journal_opens,
    "durability": settings.check_durability,
    "disk": machine.check_disk,
    "clock": machine.check_clock,
    "policy": stack.check_prediction,
    "policy-health": stack.check_policy_health,
    "version": settings.check_model_version,
    "timeouts": settings.check_timeouts,
    "service": stack.check_readiness,
    "trading": stack.check_trading_state,
    "prometheus": stack.check_prometheus,
    "alerts": stack.check_alerts,
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
        deployment = Deployment(load_settings(check_files=True), options)
    except SettingsError as error:
        for problem in error.problems:
            yield "settings", no(problem, "correct it, or unset it for the default")
        return
    for subject in (options.only,) if options.only else CHECKLIST:
        yield subject, _run_check(CHECKLIST[subject], deployment)


def _run_check(check: Check, deployment: Deployment) -> Verdict:
    try:
        return check(deployment)
    except (HimariError, OSError) as error:
        return no(str(error), "mend that first")
