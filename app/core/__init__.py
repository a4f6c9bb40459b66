"""Decisions only: arrays and frozen dataclasses in, arrays and a trace out."""
