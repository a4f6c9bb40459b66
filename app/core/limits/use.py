"""Limits in USD: how full each is, and which bound."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from app.core.limits.holdings import Holdings, LimitHit
from app.core.limits.kinds import KINDS
from app.core.params import LimitParams

_LARGEST: Final = float(np.finfo(np.float64).max)


def limit_use(
    holdings: Holdings, multiplier: float, portfolio_value: float, params: LimitParams
) -> list[dict[str, Any]]:
    """Use of every limit, in USD and percent of the limit.

    Parameters
    ----------
    holdings : Holdings
        The finished allocation, fractions of portfolio value.
    multiplier : float
        Cascade multiplier a, scales every limit.
    portfolio_value : float, USD
    params : LimitParams

    Returns
    -------
    list of dict
        Rows of ``GET /portfolio/risk-budget``, kind by kind.
    """
    return [
        _budget(
            kind.level,
            use.identifier,
            use.used * portfolio_value,
            multiplier * use.limit * portfolio_value,
        )
        for kind in KINDS
        for use in kind.use(holdings, params)
    ]


def _budget(level: str, identifier: str, used: float, limit: float) -> dict[str, Any]:
    return {
        "level": level,
        "identifier": identifier,
        "used_usd": used,
        "limit_usd": limit,
        "utilization_pct": 100.0 * used / limit if limit > 0.0 else 0.0,
    }


def binding_limits(
    solved: Iterable[LimitHit], held: Iterable[LimitHit], multiplier: float, portfolio_value: float
) -> list[dict[str, Any]]:
    """Limits that held a size down, in USD; each once, as Phase 2 saw it if it did.

    Parameters
    ----------
    solved : iterable of LimitHit
        Of Phase 2, at cascade multiplier 1.
    held : iterable of LimitHit
        Of held positions, at the multiplier.
    multiplier : float
        Cascade multiplier a.
    portfolio_value : float, USD
    """
    hits = [_in_usd(hit, multiplier * portfolio_value) for hit in solved]
    named = {(hit["limit"], hit["id"]) for hit in hits}
    cut = [_in_usd(hit, portfolio_value) for hit in held]
    return hits + [hit for hit in cut if (hit["limit"], hit["id"]) not in named]


def _in_usd(hit: LimitHit, scale: float) -> dict[str, Any]:
    return {
        "limit": hit.level,
        "id": hit.identifier,
        "limit_usd": hit.limit * scale,
        "requested_usd": min(hit.requested * scale, _LARGEST),
        "shadow_price": hit.shadow_price,
    }
