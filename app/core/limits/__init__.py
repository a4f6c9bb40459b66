"""Hard limits: what each kind counts, how held positions are cut, and how full a limit is.

A kind of limit is a file in ``kinds`` and a line in its table. ``rows`` makes the optimiser's
bounds of all kinds, ``held`` cuts held positions by them, ``use`` tells how full they are.
"""

from app.core.limits.effective import effective_limits, strictest_limits
from app.core.limits.held import cut_held
from app.core.limits.holdings import HeldBook, HeldUse, Holdings, LimitHit
from app.core.limits.kind import Kind, Owned
from app.core.limits.kinds import KINDS
from app.core.limits.kinds.position import POSITION, symbol_caps
from app.core.limits.rows import LimitRow, Limits, build_limits, worst_excess
from app.core.limits.use import binding_limits, limit_use

__all__ = [
    "KINDS",
    "POSITION",
    "HeldBook",
    "HeldUse",
    "Holdings",
    "Kind",
    "LimitHit",
    "LimitRow",
    "Limits",
    "Owned",
    "binding_limits",
    "build_limits",
    "cut_held",
    "effective_limits",
    "limit_use",
    "strictest_limits",
    "symbol_caps",
    "worst_excess",
]
