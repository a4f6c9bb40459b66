"""Tests of core/decision."""
