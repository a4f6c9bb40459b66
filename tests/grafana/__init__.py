"""Metrics, dashboards and alerts, tried on real processes."""
