"""Tests of the statistics of the evidence."""
