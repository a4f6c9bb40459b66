"""Tests of adapters/notify."""
