"""Tests of api/response."""
