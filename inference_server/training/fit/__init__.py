"""Fitting: networks, their losses, forecasts of volatility and hits, folds that walk forward."""
