"""Phase 1, a stage a file: kelly, conformal, sentiment, regime, cascade."""
