"""Tests of adapters/journal."""
