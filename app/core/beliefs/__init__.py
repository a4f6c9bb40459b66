"""What the service has learnt: records, regimes, market, drift; a fold over the journal."""
