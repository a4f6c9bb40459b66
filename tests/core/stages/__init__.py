"""Tests of core/stages."""
