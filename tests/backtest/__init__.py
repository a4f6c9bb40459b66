"""Tests of ``app/backtest``."""
