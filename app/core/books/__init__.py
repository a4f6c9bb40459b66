"""What is learnt, one book a kind: market, records, regimes, values, drift."""
