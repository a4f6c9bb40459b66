"""The portfolio that a request is about."""

import pytest

from app.api.portfolio_of import require_portfolio
from app.core.errors import UnknownPortfolio


@pytest.mark.parametrize("portfolio_id", [None, "default"])
def test_all_portfolios_and_the_default_one_exist(portfolio_id: str | None) -> None:
    require_portfolio(portfolio_id)


def test_another_portfolio_is_refused_by_name() -> None:
    with pytest.raises(UnknownPortfolio, match="'other'"):
        require_portfolio("other")
