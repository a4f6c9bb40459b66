"""Tests of facade."""
