"""Real prices and what is made of them: shared by ``demo`` and ``backtest``.

``prices.py`` reads panels of closes, ``market.py`` measures volatility, regimes and stress,
``strategies.py`` makes textbook signals from the past alone, ``account.py`` keeps cash and
positions, ``gain.py`` compares Sharpe ratios with an interval.
"""
