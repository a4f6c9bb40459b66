"""Real prices, and the signals and measures made from them for ``demo`` and ``backtest``.

``prices.py`` reads panels of closes (``dialects.py``, ``headers.py`` and ``days.py`` name what it
refuses), ``quality.py`` and ``quality_warnings.py`` say what is wrong with one, ``market.py``
measures volatility, regimes and stress, ``strategies.py`` makes textbook signals from past prices
alone, ``account.py`` keeps cash and positions, ``gain.py`` compares Sharpe ratios with an interval.
"""
