"""The portfolio that a request is about."""

from app.core.errors import UnknownPortfolio
from app.pipeline.operating import DEFAULT_PORTFOLIO


def require_portfolio(portfolio_id: str | None) -> None:
    """Refuse a portfolio that does not exist; None means all of them.

    Raises
    ------
    UnknownPortfolio
    """
    if portfolio_id not in {None, DEFAULT_PORTFOLIO}:
        raise UnknownPortfolio(f"there is no portfolio {portfolio_id!r}")
