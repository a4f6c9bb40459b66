"""The portfolio that a request is about."""

from app.core.errors import FieldProblem, InvalidInput, UnknownPortfolio
from app.core.types import DEFAULT_PORTFOLIO


def require_portfolio(portfolio_id: str | None) -> None:
    """Refuse a portfolio that does not exist; None means all of them.

    Raises
    ------
    UnknownPortfolio
    """
    if portfolio_id not in {None, DEFAULT_PORTFOLIO}:
        raise UnknownPortfolio(f"there is no portfolio {portfolio_id!r}")


def require_one_portfolio(named: str | None, header: str | None) -> None:
    """Refuse a portfolio that does not exist, and a body and header that name two.

    Raises
    ------
    InvalidInput
        If both are given and differ.
    UnknownPortfolio
    """
    if named is not None and header is not None and named != header:
        message = f"must agree with the header Himari-Portfolio, which was {header[:64]!r}"
        raise InvalidInput(FieldProblem("portfolio_id", message, named))
    require_portfolio(named or header)
