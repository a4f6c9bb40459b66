"""Faults around the service and below it, each promise in its short form."""
