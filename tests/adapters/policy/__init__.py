"""Tests of adapters/policy."""
