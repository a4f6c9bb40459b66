"""The limit on the gross of the whole portfolio.

See docs/concepts.md#portfolio-limit.
"""

from typing import Final

import numpy as np

from app.core.limits.holdings import HeldBook, Holdings, LimitHit
from app.core.limits.kind import Directional, Kind, Rows, Use
from app.core.params import LimitParams
from app.core.types import FloatArray


def _rows(directional: Directional, _caps: FloatArray) -> Rows:
    limit = directional.params.max_portfolio_pct
    return Rows(["portfolio"], [limit], np.ones((1, len(directional.symbols))))


def _use(holdings: Holdings, params: LimitParams) -> list[Use]:
    gross = sum(map(abs, holdings.weights.values()))
    return [Use("portfolio", gross, params.max_portfolio_pct)]


def _cut(book: HeldBook, multiplier: float, params: LimitParams) -> None:
    gross, limit = sum(map(abs, book.weights.values())), multiplier * params.max_portfolio_pct
    if gross > limit:
        book.hits.append(LimitHit("portfolio", "portfolio", limit, gross))
        book.scale(book.weights.keys(), limit / gross)


PORTFOLIO: Final = Kind(
    level="portfolio",
    title="Portfolio",
    use=_use,
    cut=_cut,
    counts=lambda _identifier, _symbol, _strategies, _params: True,
    rows=_rows,
    sole=True,
)
