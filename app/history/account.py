"""Ledger of the caller: cash and quantities, marked to market, with costs on every trade."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from app.core.types import FloatArray

BPS = 1e-4


@dataclass(slots=True)
class Ledger:
    """Cash in USD and signed quantities; a trade costs ``cost_bps`` of its absolute value."""

    cash_usd: float
    cost_bps: float
    quantities: dict[str, float] = field(default_factory=dict)

    def value_usd(self, prices: Mapping[str, float]) -> float:
        """Return the portfolio value at these prices, USD.

        Raises
        ------
        KeyError
            If a held symbol has no price.
        """
        held = sum(quantity * prices[symbol] for symbol, quantity in self.quantities.items())
        return self.cash_usd + held

    def trade_to(self, targets: Mapping[str, float], prices: Mapping[str, float]) -> float:
        """Trade to target quantities at these prices, and return the traded notional.

        Symbols without a target stay as they are.

        Returns
        -------
        float
            Traded notional, USD, >= 0.
        """
        traded = 0.0
        for symbol, target in targets.items():
            notional = (target - self.quantities.get(symbol, 0.0)) * prices[symbol]
            self.cash_usd -= notional + abs(notional) * self.cost_bps * BPS
            traded += abs(notional)
            self.quantities[symbol] = target
        self.quantities = {symbol: held for symbol, held in self.quantities.items() if held != 0.0}
        return traded


def equal_weight_equity(closes: FloatArray, value_usd: float, cost_bps: float) -> FloatArray:
    r"""Return the equity of a portfolio that is rebalanced to equal weights at every close.

    Parameters
    ----------
    closes : ndarray of shape (n_days, n_symbols), price
        NaN where an instrument has no price: it then has no weight.
    value_usd : float
        Equity on the first day, before the first trade.
    cost_bps : float
        Cost in basis points of traded notional.

    Returns
    -------
    ndarray of shape (n_days,), USD
        Equity after costs, at each close before that close's trades; no NaN.
    """
    equity = np.empty(len(closes))
    held = np.zeros(closes.shape[1])
    value = value_usd
    for day, prices in enumerate(closes):
        if day:
            held *= np.nan_to_num(prices / closes[day - 1], nan=1.0)
            value = float(held.sum())
        equity[day] = value
        priced = np.isfinite(prices)
        target = np.where(priced, value / max(1, int(priced.sum())), 0.0)
        cost = float(np.abs(target - held).sum()) * cost_bps * BPS
        held = target * (1.0 - cost / value)
        value -= cost
    return equity
