"""One row of the matrix: what is arranged, and what must come out."""

from dataclasses import dataclass
from typing import Final, Literal

from tests.tools.chaos.upstreams import Arrange

Service = Literal["plain", "https", "nameless", "flat", "any_model", "tls"]
CallEnd = Literal["failure", "neutral", "success"]

TIMEOUT: Final = "timeout"
CONNECTION: Final = "connection_error"
STATUS: Final = "bad_status"
INVALID: Final = "invalid_prediction"
USED: Final = None
# The version that the services under test expect, and a good row names.
MODEL_VERSION: Final = "v1.0"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault by name.

    Where the policy is asked, the answer carries one of ``reasons`` (None: the policy is used);
    where it is not asked the reason is ``circuit_open`` whatever the fault. A bad status can be
    the service's own mistake, ``own_mistake``. ``service`` is the one whose endpoint is meant:
    plain http, https, a name that does not resolve, a policy without a batch path, one of any
    model version, or https with an authority of its own.
    """

    family: str
    name: str
    arrange: Arrange
    reasons: frozenset[str | None]
    own_mistake: bool = False
    service: Service = "plain"

    def outcome(self, reason: str | None) -> CallEnd:
        """Return the outcome that the breaker must count for an answer with this reason."""
        if reason is USED:
            return "success"
        return "neutral" if self.own_mistake and reason == STATUS else "failure"

    @property
    def slow(self) -> bool:
        """Whether the answer waits for the deadline."""
        return TIMEOUT in self.reasons


@dataclass(frozen=True, slots=True)
class Family:
    """Faults of one kind, for one service."""

    name: str
    service: Service = "plain"

    def fault(
        self, name: str, arrange: Arrange, *reasons: str | None, own_mistake: bool = False
    ) -> Fault:
        """Add one fault to the family."""
        return Fault(self.name, name, arrange, frozenset(reasons), own_mistake, self.service)
