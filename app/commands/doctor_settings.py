"""Production questions that the settings alone answer."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from app.adapters.key_file import read_key_file
from app.commands.doctor_verdict import Deployment, Verdict, no, not_applicable, yes
from app.commands.serve import is_loopback
from app.core.access import KeyRing, Role, is_entry
from app.settings import Settings

_SHORTEST_KEY: Final = 32
_LEAST_LETTERS: Final = 10
_MOST_KELLY: Final = 0.5
_MOST_FAILURES: Final = 20
_LONGEST_WAIT_SEC: Final = 3600.0
_NO_POLICY: Final = "no policy is asked in this mode"


def check_mode(deployment: Deployment) -> Verdict:
    """Say which mode it is; the mock is for trials."""
    mode = deployment.settings.mode
    if mode == "mock":
        return no("mode mock: a seeded stand-in moves sizes", "unset HIMARI_USE_MOCK_RL")
    what = "Phase 2 alone" if mode == "fallback" else "the policy moves Phase 2"
    return yes(f"mode {mode}: {what}")


def check_breaker(deployment: Deployment) -> Verdict:
    """Check whether the breaker is on, and its thresholds make sense."""
    if deployment.settings.mode != "real":
        return not_applicable(_NO_POLICY)
    chosen = deployment.settings.circuit_breaker
    if not chosen.enabled:
        return no("the breaker is off", "set HIMARI_CIRCUIT_BREAKER__ENABLED=true")
    if chosen.failure_threshold > _MOST_FAILURES:
        text = f"it takes {chosen.failure_threshold} failures to open"
        return no(
            text, f"set HIMARI_CIRCUIT_BREAKER__FAILURE_THRESHOLD to {_MOST_FAILURES} at most"
        )
    if chosen.max_timeout_sec > _LONGEST_WAIT_SEC:
        text = f"it may wait {chosen.max_timeout_sec:g} s before it looks again"
        return no(text, "set HIMARI_CIRCUIT_BREAKER__MAX_TIMEOUT_SEC to an hour at most")
    return yes(
        f"opens after {chosen.failure_threshold} failures, for {chosen.initial_timeout_sec:g} to "
        f"{chosen.max_timeout_sec:g} s"
    )


def check_keys(deployment: Deployment) -> Verdict:
    """Check whether callers need a key that nobody can guess."""
    settings = deployment.settings
    keys = _ring(settings).keys
    if not keys:
        return no("no API key is set", "himari keys new NAME, then set HIMARI_KEYS_FILE")
    plain = [key.get_secret_value() for key in settings.api_keys]
    weak = [key for key in plain if not is_entry(key) and _is_guessable(key)]
    if weak:
        text = (
            f"{len(weak)} of HIMARI_API_KEYS are shorter than {_SHORTEST_KEY} characters, or "
            f"of less than {_LEAST_LETTERS} different ones"
        )
        return no(text, "make random ones: himari keys new NAME, or himari init in a new folder")
    return yes(f"{len(keys)} keys")


def _is_guessable(key: str) -> bool:
    return len(key) < _SHORTEST_KEY or len(set(key)) < _LEAST_LETTERS


def check_roles(deployment: Deployment) -> Verdict:
    """Check whether somebody can throw the kill switch, and traders cannot."""
    keys = _ring(deployment.settings).keys
    if not keys:
        return not_applicable("no key is set")
    if not any(key.may(Role.OPERATE) for key in keys):
        return no("no key may operate: nobody can halt", "himari keys new NAME --roles operate")
    traders = [key for key in keys if key.may(Role.TRADE)]
    if not any(not key.may(Role.OPERATE) for key in traders):
        text = "every key that trades may operate as well, or none trades"
        return no(text, "himari keys new NAME --roles trade for each caller")
    return yes("some keys operate, others trade")


def _ring(settings: Settings) -> KeyRing:
    ring = settings.key_ring()
    return ring if settings.keys_file is None else read_key_file(Path(settings.keys_file), ring)


def check_caller_tls(deployment: Deployment) -> Verdict:
    """Check whether keys and positions travel unread between callers and service."""
    settings = deployment.settings
    if settings.ssl_certfile is not None:
        return yes("TLS, by HIMARI_SSL_CERTFILE")
    if is_loopback(settings.host):
        return yes(f"{settings.host} is this machine alone; a proxy here may end TLS")
    text = f"{settings.host} is reached by others, in clear text"
    return no(text, "set HIMARI_SSL_CERTFILE, or listen on 127.0.0.1 behind a proxy that ends TLS")


def check_policy_tls(deployment: Deployment) -> Verdict:
    """Check whether the hop to the policy is private."""
    if deployment.settings.mode != "real":
        return not_applicable(_NO_POLICY)
    parts = urlsplit(deployment.settings.rl_endpoint)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return yes("TLS, by HIMARI_RL_ENDPOINT")
    if "." not in host and ":" not in host:
        return yes(f"{host} is a name of this machine or its own network")
    if is_loopback(host):
        return yes(f"{host} is this machine")
    return no(f"{host} is asked in clear text", "use https in HIMARI_RL_ENDPOINT")


def check_limits(deployment: Deployment) -> Verdict:
    """Check whether the limits hold one another, and Kelly is not overdone."""
    settings = deployment.settings
    ordered = settings.max_position_pct <= settings.max_strategy_pct <= settings.max_portfolio_pct
    shown = (
        f"{settings.max_position_pct:.0%} a symbol, {settings.max_strategy_pct:.0%} a strategy, "
        f"{settings.max_portfolio_pct:.0%} in all, {settings.kelly_fraction:g} of Kelly"
    )
    if not ordered:
        return no(shown, "order them: MAX_POSITION_PCT <= MAX_STRATEGY_PCT <= MAX_PORTFOLIO_PCT")
    if settings.kelly_fraction > _MOST_KELLY:
        return no(shown, f"set HIMARI_KELLY_FRACTION to {_MOST_KELLY:g} at most")
    return yes(shown)


def check_brakes(deployment: Deployment) -> Verdict:
    """Check whether losses stop it before a person does."""
    brakes = deployment.settings.brakes
    if brakes.daily_loss_from == 0.0 and brakes.drawdown_from == 0.0:
        todo = "set HIMARI_BRAKES__DAILY_LOSS_FROM or HIMARI_BRAKES__DRAWDOWN_FROM"
        return no("no brake looks at losses", todo)
    return yes(f"daily loss {brakes.daily_loss_from:.1%}, drawdown {brakes.drawdown_from:.1%}")


def check_signal_age(deployment: Deployment) -> Verdict:
    """Check whether a feed that stands still is noticed."""
    oldest = deployment.settings.trading.max_signal_age_sec
    if oldest == 0.0:
        todo = "set HIMARI_TRADING__MAX_SIGNAL_AGE_SEC to a few intervals of your signals"
        return no("signals of any age are sized", todo)
    return yes(f"signals older than {oldest:g} s are rejected")


def check_durability(deployment: Deployment) -> Verdict:
    """Check whether what was answered survives power loss."""
    if deployment.settings.synchronous == "FULL":
        return yes("FULL: an answered decision survives power loss")
    return no("NORMAL: an answered decision may be lost with the power", "HIMARI_SYNCHRONOUS=FULL")


def check_model_version(deployment: Deployment) -> Verdict:
    """Check whether only the model that was looked at may move sizes."""
    settings = deployment.settings
    if settings.mode != "real":
        return not_applicable(_NO_POLICY)
    if settings.rl_model_version is None:
        return no("any model version counts", "set HIMARI_RL_MODEL_VERSION")
    return yes(f"only {settings.rl_model_version} counts")


def check_timeouts(deployment: Deployment) -> Verdict:
    """Check whether the callers wait longer than the service waits for the policy."""
    settings, longest = deployment.settings, deployment.options.caller_timeout_sec
    if settings.mode != "real":
        return not_applicable(_NO_POLICY)
    text = f"the policy has {settings.rl_timeout_sec:g} s, callers wait {longest:g} s"
    if settings.rl_timeout_sec >= longest:
        return no(text, "lower HIMARI_RL_TIMEOUT_SEC; --caller-timeout says how long callers wait")
    return yes(text)
