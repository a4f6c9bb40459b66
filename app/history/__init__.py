"""Real prices, and the signals and measures made from them for ``demo`` and ``backtest``.

``prices.py`` reads panels of closes, ``market.py`` measures volatility, regimes and stress,
``strategies.py`` makes textbook signals from past prices alone, ``account.py`` keeps cash and
positions, ``gain.py`` compares Sharpe ratios with an interval.
"""
