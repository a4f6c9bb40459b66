"""Hard limits: caps of symbols and linear rows over their shares."""

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
    "HeldUse",
    "LimitRow",
    "Limits",
    "Owned",
    "build_limits",
    "symbol_caps",
    "worst_excess",
]
