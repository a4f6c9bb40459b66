"""Tests of core/books."""
