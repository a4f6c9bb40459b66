"""The whole matrix, in the order of its page."""

from typing import Final

from tests.tools.chaos import broken_connections, broken_replies, broken_tls
from tests.tools.chaos.fault import Fault

FAULTS: Final[tuple[Fault, ...]] = (
    *broken_connections.connecting(),
    *broken_tls.encryption(),
    *broken_connections.waiting(),
    *broken_connections.conversation(),
    *broken_replies.bodies(),
    *broken_replies.rows(),
    *broken_replies.size(),
    *broken_replies.statuses(),
    *broken_replies.flat(),
    *broken_connections.through_the_proxy(),
)
