"""Tests of api/gate."""
