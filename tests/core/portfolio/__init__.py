"""Tests of core/portfolio."""
