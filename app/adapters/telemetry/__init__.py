"""Metrics behind the pipeline's ``Telemetry`` port.

``prometheus.py`` implements the port; ``counters.py`` adds up as things happen; ``gauges.py``,
``scalars.py`` and ``model_gauges.py`` are worked out at a scrape from what ``last.py`` keeps.
"""
