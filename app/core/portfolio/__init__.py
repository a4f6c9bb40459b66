"""Phase 2: from sizes of signals to a portfolio under hard limits."""
