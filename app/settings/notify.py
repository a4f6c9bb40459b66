"""Group of the notices: who gets notices of limits, breaker and models, and when."""

from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from app.adapters.notify.delivery_options import DeliveryOptions
from app.pipeline.notices import Thresholds
from app.settings import values
from app.settings.setting import Group, setting

_THRESHOLDS: Final = Thresholds()
_DELIVERY: Final = DeliveryOptions()


class NotifyGroup(Group):
    """Notices to people by signed webhooks and apprise URLs; none: no notice is sent."""

    webhook_urls: Annotated[
        tuple[SecretStr, ...], NoDecode, BeforeValidator(values.webhook_urls)
    ] = setting(
        (),
        "Receivers, http(s) URLs between commas; what they hold is secret.",
        unit="URLs, secret",
        why="none: no notice is sent",
    )
    webhook_secret: Annotated[SecretStr | None, BeforeValidator(values.webhook_secret)] = setting(
        None,
        "Signs what webhooks get: whsec_ and base64 of 24 to 64 random bytes.",
        unit="secret",
        why="receivers must know who speaks",
    )
    apprise_urls: Annotated[
        tuple[SecretStr, ...], NoDecode, BeforeValidator(values.apprise_urls)
    ] = setting(
        (),
        "Chats, mail, phones as apprise spells them, between commas; secret.",
        unit="URLs, secret",
        why="none: no notice is sent",
    )
    limit_near_pct: Annotated[float, Field(ge=0, le=100)] = setting(
        _THRESHOLDS.limit_near_pct,
        "Use of a limit that gives a notice, percent of the limit; 0: never.",
        unit="percent of the limit",
        why="near enough to look, before it binds",
    )
    limit_clear_pct: Annotated[float, Field(ge=0, le=100)] = setting(
        _THRESHOLDS.limit_clear_pct,
        "Use below which the same limit may give a notice again, percent; below NEAR.",
        unit="percent of the limit",
        why="below NEAR, so that one crossing is one notice",
    )
    demoted_after: int = setting(
        _THRESHOLDS.demoted_after,
        "Answers in a row without confidence that give a notice, count.",
        unit="answers",
        why="more than one quiet batch",
        ge=1,
        le=100_000,
    )
    attempts: int = setting(
        _DELIVERY.attempts,
        "Of one delivery, count; then it is given up.",
        unit="attempts",
        why="half a minute of a receiver's absence",
        ge=1,
        le=20,
    )
    timeout_sec: Annotated[float, Field(gt=0, le=60)] = setting(
        5.0,
        "Deadline of one attempt of a webhook, seconds; apprise gets four of it.",
        unit="seconds",
        why="a receiver answers at once or not",
    )
    first_retry_sec: Annotated[float, Field(gt=0, le=3600)] = setting(
        _DELIVERY.first_retry_sec,
        "Wait before the second attempt, seconds; doubles, with jitter, up to 60.",
        unit="seconds",
        why="doubles, up to a minute",
    )
    queue: int = setting(
        _DELIVERY.queue_size,
        "Notices that wait for a receiver, count; oldest go first.",
        unit="notices",
        why="bounds memory; the oldest go first",
        ge=1,
        le=10_000,
    )

    @model_validator(mode="after")
    def _usable_together(self) -> Self:
        if self.webhook_urls and self.webhook_secret is None:
            raise ValueError("webhook_urls need webhook_secret beside them")
        if 0.0 < self.limit_near_pct <= self.limit_clear_pct:
            raise ValueError(
                f"limit_clear_pct must be < limit_near_pct {self.limit_near_pct:g}, "
                f"was {self.limit_clear_pct:g}"
            )
        return self
