"""Checks of the dashboards that need node."""
