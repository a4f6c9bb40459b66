"""Phase 2: from the sizes of signals to a portfolio under hard limits.

See docs/concepts.md#phase-2-from-sizes-to-a-portfolio.
"""
