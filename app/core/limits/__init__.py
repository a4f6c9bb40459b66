"""Hard limits: caps of symbols and linear rows over their shares."""

from app.core.limits.held import HeldBook, LimitHit, cut_held
from app.core.limits.rows import (
    HeldUse,
    LimitRow,
    Limits,
    Owned,
    build_limits,
    symbol_caps,
    worst_excess,
)

__all__ = [
    "HeldBook",
    "HeldUse",
    "LimitHit",
    "LimitRow",
    "Limits",
    "Owned",
    "build_limits",
    "cut_held",
    "symbol_caps",
    "worst_excess",
]
