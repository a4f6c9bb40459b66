"""The kinds of limits, one a file, in the order in which held positions are cut by them."""

from typing import Final

from app.core.limits.kind import Kind
from app.core.limits.kinds.group import GROUP
from app.core.limits.kinds.portfolio import PORTFOLIO
from app.core.limits.kinds.position import POSITION
from app.core.limits.kinds.strategy import STRATEGY

KINDS: Final[tuple[Kind, ...]] = (
    POSITION,
    STRATEGY,
    GROUP,
    PORTFOLIO,
)
