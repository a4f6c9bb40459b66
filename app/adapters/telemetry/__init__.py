"""Metrics behind the pipeline's ``Telemetry`` port.

``prometheus.py`` implements the port; ``counters.py`` and ``noticed.py`` have the counters and
histograms; ``gauges.py``, ``scalars.py`` and ``model_gauges.py`` are computed at a scrape from the
values that ``last_values.py`` keeps.
"""
