"""Tests of core/limits/kinds."""
